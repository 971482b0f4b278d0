"""A session or an API key as admin credential: both work, a refused create names the other, a session ends with its run."""

import base64
import os
import subprocess
import sys

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.names import Label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.ports.provider import CreateRefused, TokenRequest
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.settings import ProviderConfig, Settings
from tokenguard.shell.vendors import ConfiguredVendors

VARIABLE = "TOKENGUARD_ADMIN_AUTOPOSTING"


@pytest.fixture
def sandbox():
    with Sandbox() as running:
        yield running


def credential(sandbox, kind):
    return sandbox.world.log_in().secret.reveal() if kind == "session" else sandbox.info.admin_key


def issuer_with(sandbox, admin):
    provider = build("autoposting", ProviderSettings(base_url=sandbox.info.autoposting_url), FakeClock())
    return issuer(provider, Value.of(admin))


def wanted(sandbox):
    return TokenRequest(
        label=Label("upload-abcd2345-1"), scope=Scope("org", sandbox.info.org_id), permissions=("posts:read",)
    )


@pytest.mark.parametrize("kind", ["session", "api_key"])
@pytest.mark.parametrize("needs", ["", "session", "api_key"])
def test_whichever_the_vendor_takes_makes_a_key_and_the_other_is_named(sandbox, kind, needs):
    sandbox.knobs.create_with = needs
    admin = issuer_with(sandbox, credential(sandbox, kind))
    if needs in {"", kind}:
        assert sandbox.world.alive(admin.create(wanted(sandbox)).value.token.reveal())
        return
    with pytest.raises(CreateRefused) as caught:
        admin.create(wanted(sandbox))
    assert ("API key" if needs == "api_key" else VARIABLE) in caught.value.hint
    assert sandbox.world.keys() == ()


def test_a_create_with_what_is_no_credential_names_neither(sandbox):
    with pytest.raises(CreateRefused) as caught:
        issuer_with(sandbox, "tgcanary-not-a-credential").create(wanted(sandbox))
    assert VARIABLE not in caught.value.hint


def test_a_suspended_organisation_is_not_taken_for_a_wrong_credential():
    body = b'{"success": false, "error": "billing_suspended", "message": "x"}'
    with ScriptedServer(reply(403, body)) as server:
        provider = build("autoposting", ProviderSettings(base_url=server.url), FakeClock())
        admin = issuer(provider, Value.of("tgcanary-admin-key"))
        with pytest.raises(CreateRefused) as caught:
            admin.create(TokenRequest(label=Label("x-abcd2345-1"), scope=None))
    assert "suspended" in caught.value.hint
    assert len(server.requests) == 1


def vendors(sandbox, admin):
    clock = FakeClock()
    config = ProviderConfig(base_url=sandbox.info.autoposting_url)
    return ConfiguredVendors(
        Settings(providers={"autoposting": config}), {VARIABLE: admin}, clock, lambda: MemoryStore(clock)
    )


def record(sandbox):
    return Record(
        name=token_name("a/b"), provider="autoposting", scope=Scope("org", sandbox.info.org_id),
        base_url=sandbox.info.autoposting_url,
    )  # fmt: skip


@pytest.mark.parametrize("logout", [True, False])
def test_a_session_that_was_used_ends_with_the_run_or_that_is_said(sandbox, logout):
    sandbox.knobs.logout_route = logout
    admin = credential(sandbox, "session")
    used = vendors(sandbox, admin)
    for _ in range(3):
        used.of(record(sandbox)).issuer.listed()
    assert len(list(used.close())) == (0 if logout else 1)
    assert sandbox.world.alive(admin) is not logout
    assert sandbox.world.calls["POST /api-proxy/auth/logout"] == 1
    assert list(used.close()) == []


def test_a_session_that_was_not_used_and_a_key_go_on(sandbox):
    for kind, use in (("session", False), ("api_key", True)):
        admin = credential(sandbox, kind)
        opened = vendors(sandbox, admin)
        made = opened.of(record(sandbox)).issuer
        if use:
            made.listed()
        assert list(opened.close()) == []
        assert sandbox.world.alive(admin)
    assert sandbox.world.calls["POST /api-proxy/auth/logout"] == 0


def test_a_command_ends_the_session_that_it_was_given(sandbox, tmp_path):
    admin = credential(sandbox, "session")
    config, key = tmp_path / "config.toml", tmp_path / "key"
    config.write_text(
        f'[store]\nurl = "local://{tmp_path}/store"\n[providers.autoposting]\nbase_url = "{sandbox.info.autoposting_url}"\n'
    )
    key.write_bytes(base64.b64encode(os.urandom(32)))
    for file in (config, key):
        file.chmod(0o600)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TOKENGUARD_KEY_FILE": str(key), VARIABLE: admin}

    def tokenguard(*arguments):
        return subprocess.run(
            [sys.executable, "-P", "-m", "tokenguard", "--config", str(config), "--no-input", *arguments],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert tokenguard("init").returncode == 0
    assert sandbox.world.alive(admin), "it was not used"
    made = tokenguard(
        "add", "a/b/prod/upload", "--provider", "autoposting", "--scope", f"org:{sandbox.info.org_id}", "--env", "prod",
        "--owner", "a", "--purpose", "upload", "--permission", "posts:read", "--no-consumers", "--issue",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert len(sandbox.world.keys()) == 1
    assert not sandbox.world.alive(admin)
    assert admin not in made.stdout + made.stderr
