"""A consumer that is a field of a Vault or of AWS stays on its server: real servers, and a runner that is set to another."""

import base64
import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.answer import Answer as Said
from tests.fakes.clock import SwiftClock
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, client
from tests.fakes.vault_proxy import Answer, VaultProxy
from tests.integration.openbao import OpenBao
from tokenguard.cli.error_handler import run
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.shell.wiring import Wiring

NAME = "video/app/prod/post"


class OnVault:
    """A field of an entry, on a server that can also be reached under another address: as good as another server."""

    def __init__(self, server: OpenBao, usual: VaultProxy, other: VaultProxy) -> None:
        self._server, self._usual, self._other = server, usual, other
        self._mount = server.new_mount()
        self.address = f"vault://{self._mount}/app#token"
        self.usual, self.other = usual.url, other.url
        server.api("POST", f"{self._mount}/data/app", {"data": {"token": "tgcanary-before", "zone": "eu"}})

    def config(self, server: str) -> str:
        return f'[vault]\naddress = "{server}"\ncredential = "env:LOGIN"\n'

    @property
    def held(self) -> str:
        return self._server.api("GET", f"{self._mount}/data/app").json()["data"]["data"]["token"]

    at_the_other = held

    def heard(self) -> list[object]:
        return list(self._other.asked)

    @contextlib.contextmanager
    def refusing_writes(self) -> Iterator[None]:
        self._usual.fault = lambda _number, asked: Answer(403) if asked.method == "PATCH" else None
        yield
        self._usual.clear()


class OnAws:
    """A secret of one name at two endpoints."""

    def __init__(self, usual: FakeAws, other: FakeAws) -> None:
        self._usual, self._other = usual, other
        self.address = f"aws://{usual.region}/app#token"
        self.usual, self.other = usual.url, other.url
        for aws in (usual, other):
            aws.service.shelf.secrets.clear()
            text = json.dumps({"token": "tgcanary-before", "zone": "eu"})
            aws.service.call("CreateSecret", {"Name": "app", "SecretString": text, "ClientRequestToken": "0" * 32})
            aws.requests.clear()

    def config(self, server: str) -> str:
        return f'[aws]\nendpoint = "{server}"\n'

    @property
    def held(self) -> str:
        return self._of(self._usual)

    @property
    def at_the_other(self) -> str:
        return self._of(self._other)

    def _of(self, aws: FakeAws) -> str:
        return json.loads(aws.service.call("GetSecretValue", {"SecretId": "app"})["SecretString"])["token"]

    def heard(self) -> list[object]:
        return list(self._other.requests)

    @contextlib.contextmanager
    def refusing_writes(self) -> Iterator[None]:
        fault = self._usual.fail("PutSecretValue", "AccessDeniedException", times=99)
        yield
        fault.times = 0


@pytest.fixture(params=["vault", "aws"])
def place(request, monkeypatch) -> Iterator[OnVault | OnAws]:
    if request.param == "vault":
        server = request.getfixturevalue("openbao")
        with VaultProxy(server.port) as usual, VaultProxy(server.port) as other:
            yield OnVault(server, usual, other)
        return
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    usual = request.getfixturevalue("fake_aws")
    with FakeAws() as other:
        by_url = {usual.url: usual, other.url: other}
        monkeypatch.setattr(
            "tokenguard.shell.aws_store.AwsClient", lambda made, *_, **__: client(by_url[str(made.endpoint)])
        )
        yield OnAws(usual, other)


@dataclass
class Machine:
    """A runner with a store on its disk; which server it is set to is said with each call."""

    place: OnVault | OnAws
    sandbox: Sandbox
    directory: Path
    capfd: Any
    environ: dict[str, str] = field(default_factory=dict)
    clock: SwiftClock = field(default_factory=SwiftClock)

    def __call__(self, *arguments: str, server: str = "") -> Said:
        config = self.directory / "config.toml"
        config.write_text(
            f'[store]\nurl = "local://{self.directory}/store"\n{self.place.config(server or self.place.usual)}'
            f'[providers.autoposting]\nbase_url = "{self.sandbox.info.autoposting_url}"\ndeath_floor = 2\n'
        )
        config.chmod(0o600)
        wiring = Wiring(environ={**self.environ, "TOKENGUARD_CONFIG": str(config), "NO_COLOR": "1"})
        wiring.clock = self.clock
        code = run(["--no-input", *arguments], wiring)
        shown = self.capfd.readouterr()
        wiring.close()
        return Said(code, shown.out, shown.err, arguments)

    def refused(self, *arguments: str) -> Said:
        """It is, by a machine that is set to the other server, and nobody there hears of it."""
        answer = self(*arguments, server=self.place.other)
        assert answer.code == 2, answer
        assert f"error: {self.place.address} was declared on a server that is not the configured one" in answer.err
        assert f"tokenguard edit NAME --deliver '{self.place.address}'" in answer.err
        assert self.place.heard() == []
        return answer


@pytest.fixture
def machine(place, sandbox, tmp_path, capfd, request) -> Machine:
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    key.chmod(0o600)
    environ = {"TOKENGUARD_KEY_FILE": str(key), "TOKENGUARD_ADMIN_AUTOPOSTING": sandbox.info.admin_key}
    if isinstance(place, OnVault):
        environ["LOGIN"] = request.getfixturevalue("openbao").root_token
    machine = Machine(place, sandbox, tmp_path, capfd, environ)
    assert machine("init").code == 0
    return machine


@pytest.fixture
def declared(machine, sandbox) -> Machine:
    """A live token that was delivered to the field."""
    answer = machine(
        "add", NAME, "--provider", "autoposting", "--scope", f"org:{sandbox.info.org_id}", "--env", "prod",
        "--owner", "video", "--purpose", "posting", "--deliver", machine.place.address, "--issue",
    )  # fmt: skip
    assert answer.code == 0, answer
    assert sandbox.world.alive(machine.place.held)
    return machine


def test_a_runner_that_is_set_to_another_server_delivers_nothing_there(declared, sandbox):
    before = declared.place.held
    declared.refused("rotate", NAME)
    assert (declared.place.held, sandbox.world.alive(before)) == (before, True)
    assert declared("rotate", NAME).code == 0
    assert declared.place.held != before
    assert declared.place.heard() == []


def test_what_was_begun_is_neither_resumed_nor_taken_back_on_another_server(declared, sandbox):
    before = declared.place.held
    with declared.place.refusing_writes():
        assert declared("rotate", NAME).code in {3, 4}
    declared.refused("rotate", NAME, "--resume")
    declared.refused("rotate", NAME, "--abort")
    assert declared.place.held == before
    assert declared("rotate", NAME, "--abort").code == 0
    assert (declared.place.held, sandbox.world.alive(before)) == (before, True)


def test_neither_a_look_nor_a_value_goes_to_another_server(declared, tmp_path, words):
    manifest = tmp_path / "tokens.yaml"
    fields = {
        "provider": "autoposting", "scope": f"org:{declared.sandbox.info.org_id}", "environment": "prod",
        "owner": "video", "purpose": "posting", "consumers": [declared.place.address],
    }  # fmt: skip
    manifest.write_text(json.dumps({"version": "1", "tokens": {NAME: fields}}))
    assert declared("plan", str(manifest), "--exit-code").code == 0
    asked = declared("drift", str(manifest), "--ask-consumers", "--format", "json", server=declared.place.other)
    assert [each["rule"] for each in asked.document["not_evaluable"]] == ["consumer-differs"], asked
    assert declared("doctor", server=declared.place.other).code in {0, 1}
    for command in ("plan", "apply"):
        answer = declared(command, str(manifest), server=declared.place.other)
        assert answer.code == 2, answer
        words(answer)
    assert declared.place.heard() == []


def test_who_confirms_the_new_server_has_the_next_value_delivered_there(declared):
    old = declared.place.held
    answer = declared("edit", NAME, "--deliver", declared.place.address, server=declared.place.other)
    assert answer.code == 0, answer
    assert f"new consumer: {declared.place.address} on {declared.place.other}" in answer.err
    shown = declared("show", NAME, "--format", "json").document
    assert shown["consumer_servers"] == {declared.place.address: declared.place.other}
    assert declared("rotate", NAME).code == 2
    assert declared("rotate", NAME, server=declared.place.other).code == 0
    assert declared.place.at_the_other not in {old, "tgcanary-before"}


@pytest.mark.parametrize("place", ["vault"], indirect=True)
def test_an_import_tells_that_a_place_on_another_server_is_none_of_its_consumers(declared):
    folder = declared.place.address.partition("#")[0].rpartition("/")[0]
    for server, undeclared in ((declared.place.usual, []), (declared.place.other, [declared.place.address])):
        answer = declared("import", "--from", folder, "--format", "json", server=server)
        assert [each["undeclared"] for each in answer.document["duplicate"]] == [undeclared], answer
