"""Each limit on what a server answers, reached by the real program: what is one more is no answer, in little memory."""

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.fakes.loopback import Loopback
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.state import Kept
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.integration.forked_commands import Ended
from tests.integration.limited_machine import LimitedMachine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: the unit of memory is Linux's")
Answer = tuple[int, Mapping[str, str], bytes]
PROFILE = {"success": True, "data": {"orgId": "o1", "authType": "api_key"}}
FACTS = (
    "--provider", "autoposting", "--scope", "org:o1", "--env", "dev", "--owner", "x", "--purpose", "x", "--no-consumers",
    "--stdin",
)  # fmt: skip


@dataclass
class Server(Loopback):
    """Answers by a function of the query, and counts the requests."""

    answer: Callable[[str, Mapping[str, str]], Answer]
    asked: list[str] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                server.asked.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = server.answer(parts.path, dict(parse_qsl(parts.query)))
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_LIST = do_POST = do_PUT = do_GET  # noqa: N815 - the names of http.server

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def of(name: str) -> int:
    module, _, constant = name.partition(":")
    return int(getattr(import_module(f"tokenguard.{module}"), constant))


def body(tree: Any, **headers: str) -> Answer:
    return 200, {name.replace("_", "-"): text for name, text in headers.items()}, json.dumps(tree).encode()


def _padded(size: int) -> Answer:
    status, headers, data = body(PROFILE)
    return status, headers, data + b" " * (size - len(data))


def _with_headers(size: int) -> Answer:
    """Answers whose headers have so many bytes in all, those that the server adds itself included."""
    named = {"Content-Type": "application/json", "Content-Length": str(len(json.dumps(PROFILE)))}
    named |= {"Server": "x" * 40, "Date": "x" * 29}
    left = size - sum(map(len, [*named, *named.values()]))
    return body(PROFILE, X_A="x" * 30_000, X_B="x" * (left - 30_000 - 6))


def configured(machine: LimitedMachine, at: Path, url: str, *arguments: str, stdin: bytes = b"") -> Ended:
    """A command with the provider, a Vault, a receiver and a host of secrets at an address of this machine."""
    config = at / "config.toml"
    config.write_text(
        f"[providers.autoposting]\nbase_url = '{url}'\nadmin = 'env:ADMIN'\n[vault]\naddress = '{url}'\ncredential = 'env:ADMIN'\n"
        f"[aws]\nendpoint = '{url}'\n[notify.routes.a]\nwebhook = 'env:HOOK'\nsecret = 'env:ADMIN'\n"
        f"[destinations.'{url.removeprefix('http://')}']\ncredential = 'env:ADMIN'\nurl = '{url}'\n"
    )
    config.chmod(0o600)
    environ = {"ADMIN": "tgcanary" * 5, "HOOK": f"{url}/hook", **CREDENTIALS}
    return machine.run(["--config", str(config), "--no-input", *arguments], at, stdin, environ)


def added(machine: LimitedMachine, at: Path, server: Server) -> Ended:
    """A new token is verified."""
    value = secrets.token_hex(12)
    return configured(machine, at, server.url, "add", f"new/{value}", *FACTS, stdin=f"tgcanary{value}".encode())


@pytest.mark.parametrize(
    ("name", "answer", "slack"),
    [("http.answer:MAX_BODY", _padded, 0), ("http.exchange:MAX_HEADERS", _with_headers, 100)],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_one_byte_more_than_the_limit_is_no_answer(name, answer, slack, limited_machine, tmp_path):
    """Headers have some that the server adds, of a length that this test does not count."""
    for size, code in ((of(name) - slack, 0), (of(name) + slack + 1, 4)):
        with Server(lambda *_, size=size: answer(size)) as server:
            done = added(limited_machine, tmp_path, server)
        assert done.code == code, (size, done.err)


def test_a_longer_wait_than_the_limit_is_reported(limited_machine, tmp_path):
    limit = of("http.pacing:LONGEST")
    with Server(lambda *_: (429, {"Retry-After": str(limit + 1)}, b"{}")) as server:
        done = added(limited_machine, tmp_path, server)
        assert len(server.asked) == 1
    assert done.code == 4
    assert f"{limit + 1}" in done.err


def test_a_list_without_end_is_given_up(limited_machine, tmp_path):
    """Each page is new, and begins with the last row of the one before it, as a list does that grows while it is read."""

    def page(_path: str, query: Mapping[str, str]) -> Answer:
        start, size = int(query.get("offset", 0)), int(query.get("limit", 50))
        return body({"success": True, "data": [{"id": f"k{n}", "name": f"n{n}"} for n in range(start, start + size)]})

    with Server(page) as server:
        done = configured(limited_machine, tmp_path, server.url, "import", "--from", "provider:autoposting", "--plan")
        assert of("providers.paging:_MAX_PAGES") == sum("api-keys" in each for each in server.asked)
    assert done.code == 4
    assert done.err.startswith("error: ")


def test_a_list_that_ignores_the_offset_is_incomplete(limited_machine, tmp_path):
    rows = [{"id": f"k{n}", "name": f"n{n}"} for n in range(50)]
    with Server(lambda *_: body({"success": True, "data": rows})) as server:
        done = configured(limited_machine, tmp_path, server.url, "import", "--from", "provider:autoposting", "--plan")
        asked = sum("api-keys" in each for each in server.asked)
    assert asked == 2 * (of("providers.paging:_MAX_STALE") + 1), "it is read twice"
    assert "the same tokens for every offset" in done.err + done.out


def test_folders_without_end_are_left(limited_machine, tmp_path):
    def vault(path: str, _query: Mapping[str, str]) -> Answer:
        if path.startswith("/v1/secret/metadata"):
            return body({"data": {"keys": ["a/"]}})
        return body({"data": {"data": {}, "metadata": {"version": 1}}})

    with Server(vault) as server:
        done = configured(limited_machine, tmp_path, server.url, "import", "--from", "vault://secret/x", "--plan")
        deepest = max(each.count("/a") for each in server.asked)
    assert deepest == of("clients.vault.list_entries:MAX_DEPTH"), done.err
    assert "nested too deeply" in done.err + done.out


def test_a_receiver_s_refusal_beyond_the_limit_is_no_answer(limited_machine, tmp_path):
    """A 2xx of any length is one: what was accepted must not be sent again."""
    limit = of("notifications.webhook:_MAX_ANSWER")
    for status, size, code, says in (
        (200, limit + 1, 0, ""),
        (500, limit, 4, "http-500"),
        (500, limit + 1, 4, "too-large"),
    ):
        with Server(lambda *_, status=status, size=size: (status, {}, b" " * size)) as server:
            done = configured(limited_machine, tmp_path, server.url, "notify", "--test")
        assert done.code == code, done.err
        assert says in done.err


def test_more_secrets_of_a_host_than_the_limit_are_refused(limited_machine, tmp_path):
    """As many as the limit allows are imported by the same command."""
    limit = of("delivery.surveys:MAX_ENTRIES")
    shown = ("--provider", "manual", "--dry-run")
    for count, code in ((limit, 0), (limit + 1, 2)):
        secrets = {f"S{number}": {"raw": "no"} for number in range(count)}
        with Server(lambda *_, secrets=secrets: body({"secrets": secrets})) as server:
            address = f"doppler://{server.host}/app/prd"
            done = configured(limited_machine, tmp_path, server.url, "import", "--from", address, *shown)
        assert done.code == code, done.err
    assert f"error: there are more than {limit:,} secrets\n" in done.err
    assert "hint: " in done.err


def test_more_tokens_of_a_source_than_the_limit_are_refused(limited_machine, tmp_path):
    """Few entries of many fields each: the number of entries stays far below its own limit."""
    limit, fields = of("usecases.import_secrets:_MAX_SIGHTINGS"), 200
    data = {f"api_token_{number}": f"tgcanary{number:024}" for number in range(fields)}

    def vault(path: str, _query: Mapping[str, str]) -> Answer:
        if path.startswith("/v1/secret/metadata"):
            return body({"data": {"keys": [f"e{number}" for number in range(limit // fields + 1)]}})
        told = {"data": data, "metadata": {"version": 1}, "options": {"version": "2"}, "type": "kv"}
        return body({"data": told})

    before = limited_machine.run(["list", "--format", "json"], tmp_path)
    with Server(vault) as server:
        done = configured(limited_machine, tmp_path, server.url, "import", "--from", "vault://secret/x")
    assert done.code == 2
    assert f"error: there are more than {limit:,} tokens\n" in done.err
    assert "hint: " in done.err
    assert limited_machine.run(["list", "--format", "json"], tmp_path).out == before.out


@pytest.mark.slow
def test_more_secrets_than_the_limit_are_refused(limited_machine, tmp_path):
    """Slow, because AWS lists a hundred at a time."""
    limit = of("clients.aws.list_secrets:MAX_ENTRIES")
    with FakeAws() as aws:
        for number in range(limit + 1):
            name = f"s{number}"
            aws.service.shelf.secrets[name] = Kept(name, f"arn:{name}", 1.0, 1.0)
        done = configured(limited_machine, tmp_path, aws.url, "import", "--from", f"aws://{aws.region}", "--plan")
    assert done.code == 2
    assert f"more than {limit:,} secrets" in done.err


@pytest.mark.slow
def test_more_entries_than_the_limit_are_refused(limited_machine, tmp_path):
    """Slow, because each entry of a Vault is read."""
    limit = of("clients.vault.list_entries:MAX_ENTRIES")

    def vault(path: str, _query: Mapping[str, str]) -> Answer:
        if path.startswith("/v1/secret/metadata"):
            return body({"data": {"keys": [f"e{n}" for n in range(limit + 1)]}})
        return body({"data": {"data": {}, "metadata": {"version": 1}, "options": {"version": "2"}, "type": "kv"}})

    with Server(vault) as server:
        done = configured(limited_machine, tmp_path, server.url, "import", "--from", "vault://secret/x", "--plan")
    assert done.code == 2
    assert f"more than {limit:,} entries" in done.err
