"""A bad night on each kind of store: a stuck operation, a provider that is gone, a consumer that lost its value.

What can be done is done all the same, and the exit code is the gravest.
"""

import base64
import itertools
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.answer import Answer
from tests.fakes.approvals import EverythingApproved
from tests.fakes.clock import SwiftClock
from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.fakes.settings_client import SettingsClient
from tests.fakes.vault_command_line import VaultCommandLine
from tokenguard.cli.error_handler import run
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.shell.wiring import Wiring

_numbers = itertools.count()
Call = Callable[..., Answer]


@pytest.fixture
def gone() -> Iterator[Sandbox]:
    """Where Descript is, until the test ends it."""
    with Sandbox() as sandbox:
        yield sandbox


def configured(gone: Sandbox, directory: Path) -> str:
    """Where Descript is, and a policy whose freeze holds for one of the tokens."""
    freeze = f"{date.today() - timedelta(days=30)}..{date.today() + timedelta(days=30)}"
    override = {"rule": "unattended-rotation", "token": "e/*", "freezes": [freeze]}
    policy = {"format": 1, "name": "team", "extends": "default", "overrides": [override]}
    (directory / "team.yaml").write_text(json.dumps(policy))
    return (
        f'[providers.descript]\nbase_url = "{gone.info.descript_url}"\ndeath_floor = 0.05\n'
        f'[policy]\nfile = "{directory}/team.yaml"\n'
    )


@pytest.fixture
def on_vault(openbao, sandbox, gone, tmp_path, capfd) -> Call:
    return VaultCommandLine(
        openbao, sandbox, tmp_path, capfd, url=f"vault://secret/night{next(_numbers)}", more=configured(gone, tmp_path)
    )


@pytest.fixture
def on_aws(fake_aws, sandbox, gone, tmp_path, capfd, monkeypatch) -> Call:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch, more=configured(gone, tmp_path))


@pytest.fixture
def local(sandbox, gone, tmp_path, capfd, monkeypatch) -> Call:
    key, config = tmp_path / "key", tmp_path / "config.toml"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    config.write_text(
        f'[providers.autoposting]\nbase_url = "{sandbox.info.autoposting_url}"\ndeath_floor = 2\n'
        + configured(gone, tmp_path)
    )
    for file in (key, config):
        file.chmod(0o600)
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    environ = {
        "NO_COLOR": "1", "TOKENGUARD_CONFIG": str(config), "TOKENGUARD_STORE": f"local://{tmp_path}/store",
        "TOKENGUARD_KEY_FILE": str(key), "TOKENGUARD_ADMIN_AUTOPOSTING": sandbox.info.admin_key,
    }  # fmt: skip
    clock = SwiftClock()

    class Local:
        def __init__(self) -> None:
            self.environ: dict[str, str] = {}

        def __call__(self, *arguments: str) -> Answer:
            wiring = Wiring(environ={**environ, **self.environ})
            wiring.clock, wiring.approvals = clock, EverythingApproved()
            code = run(["--no-input", *arguments], wiring)
            shown = capfd.readouterr()
            return Answer(code, shown.out, shown.err, arguments)

    return Local()


def well(answer: Answer) -> Answer:
    assert answer.code == 0, answer
    return answer


def added(cli: Call, name: str, sandbox: Sandbox, *more: str) -> None:
    well(
        cli(
            "add", name, "--provider", "autoposting", "--scope", f"org:{sandbox.info.org_id}", "--env", "prod",
            "--owner", "video", "--purpose", "posting", "--issue", *(more or ("--no-consumers",)),
        )
    )  # fmt: skip


def shown(cli: Call, name: str) -> Any:
    return well(cli("show", name, "--format", "json")).document


def by_hand(cli: Any, name: str, gone: Sandbox) -> None:
    drive, _ = gone.info.drives[0]
    value = SettingsClient(gone.info.settings_url).create(name.replace("/", "-"), drive)
    cli.environ = {**cli.environ, "FOUND": value}
    well(
        cli(
            "add", name, "--provider", "descript", "--scope", f"drive:{drive}", "--env", "prod", "--owner", "video",
            "--purpose", "clips", "--no-consumers", "--from-env", "FOUND",
        )
    )  # fmt: skip


@pytest.mark.parametrize("home", ["local", "on_vault", "on_aws"])
def test_what_can_be_done_in_a_bad_night_is_done(request, home, sandbox, gone, tmp_path):
    cli, env = request.getfixturevalue(home), tmp_path / "app.env"
    well(cli("init") if home == "local" else cli("init", "--sandbox"))
    by_hand(cli, "a/stuck", gone)
    assert cli("rotate", "a/stuck", "--compromised").code == 5, "only a person can revoke it"
    added(cli, "b/consumer", sandbox, "--deliver", f"dotenv:{env}#TOKEN")
    env.write_text("TOKEN=tgcanary-of-somebody-else\n")
    added(cli, "c/due", sandbox)
    well(cli("edit", "c/due", "--due", "2020-01-01"))
    by_hand(cli, "d/unreachable", gone)
    added(cli, "e/frozen", sandbox)
    well(cli("edit", "e/frozen", "--due", "2020-01-01"))
    gone.__exit__(None, None, None)
    before, frozen = shown(cli, "c/due"), shown(cli, "e/frozen")
    answer = cli("upkeep", "--format", "json")
    assert answer.code == 5, answer
    wrong = {(each["duty"], each["name"], each["exit_code"]) for each in answer.document["results"]}
    assert wrong >= {
        ("resume", "a/stuck", 5), ("verify", "d/unreachable", 4), ("consumers", "b/consumer", 1), ("rotate", "c/due", 0)
    }  # fmt: skip
    assert shown(cli, "c/due")["fingerprint"] != before["fingerprint"]
    left = {each["name"] for each in answer.document["left_alone"]}
    assert left == {"e/frozen", "d/unreachable"}, "one in a freeze, one whose age is unknown"
    assert shown(cli, "e/frozen")["fingerprint"] == frozen["fingerprint"]
    well(cli("audit", "verify"))
    assert "tgcanary" not in answer.out + answer.err
