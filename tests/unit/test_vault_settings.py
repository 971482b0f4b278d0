"""What a configuration may say of a Vault, in tables; a login's own words are never shown."""

from pathlib import Path

import pytest

from tokenguard.clients.vault.vault_settings import LoginMethod
from tokenguard.errors import InputError
from tokenguard.settings import Settings, VaultConfig
from tokenguard.shell.config import read_settings
from tokenguard.shell.vault_store import policies, vault_settings

LOGIN = "tgcanary-login"
ENVIRON = {
    "LOGIN": LOGIN,
    "VAULT_ADDR": "https://vault.example.org:8200",
    "VAULT_TOKEN": "tgcanary-unasked",
    "BAD": "a b",
}
GOOD = {"address": "https://vault.example.org:8200", "credential": "env:LOGIN"}


def made(**changes: object):
    return vault_settings(VaultConfig(**{**GOOD, **changes}), Settings(), ENVIRON)


def test_an_address_and_a_login_are_enough():
    settings = made()
    assert str(settings.address) == "https://vault.example.org:8200"
    assert (settings.login.method, settings.login.path) == (LoginMethod.TOKEN, "token")
    assert settings.login.credential.reveal() == LOGIN


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "http://vault.example.org:8200"}, {"address": "https://user@vault.example.org"}, {"address": "env:"},
        {"address": "env:NOT_THERE"}, {"address": "https://vault.example.org/?x=y"}, {"address": "https://vault.example.org/v1"},
        {"address": "https://vault.example.org:8200/v1/"}, {"address": "https://vault.example.org/proxy/v1"}, {"address": "file:///etc/passwd"},
        {"credential": LOGIN}, {"credential": "env:"}, {"credential": "env:NOT_THERE"},
        {"credential": "env:BAD"}, {"credential": "env:A=B"}, {"credential": "file:/nowhere/at/all"},
        {"credential": "file:/dev/zero"}, {"credential": "file:"}, {"auth": "userpass"}, {"auth": "approle"}, {"auth": "jwt"},
        {"auth": "kubernetes", "credential": ""}, {"namespace": "../x"}, {"namespace": "a b"}, {"namespace": "a\r\nX: y"},
        {"auth_mount": "a/../b"}, {"auth_mount": "a?b"},
    ],
)  # fmt: skip
def test_what_is_not_usable_is_bad_input_and_never_quoted(changes: dict[str, str]):
    with pytest.raises(InputError) as caught:
        made(**changes)
    assert caught.value.hint
    assert "tgcanary" not in f"{caught.value} {caught.value.hint}"


def test_each_store_may_have_its_own_vault(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text(
        '[store]\nurl = "vault://kv/team"\n[vault]\naddress = "https://one.example.org"\n'
        '[stores.video]\nurl = "vault://kv/team"\n[stores.video.vault]\naddress = "https://two.example.org"\n'
        'namespace = "video"\n[stores.audio]\nurl = "vault://kv/audio"\n'
    )
    path.chmod(0o600)
    settings = read_settings(path)
    assert settings.vault_of("vault://kv/team", "video").namespace == "video"
    assert settings.vault_of("vault://kv/audio", "audio").address == "https://one.example.org"
    assert settings.vault_of("vault://kv/elsewhere").address == "https://one.example.org"


@pytest.mark.parametrize("line", ["token = 'x'", "verify = false", "address = 1", "skip_verify = true"])
def test_an_unknown_key_is_an_error(tmp_path: Path, line: str):
    path = tmp_path / "config.toml"
    path.write_text(f"[vault]\n{line}\n")
    path.chmod(0o600)
    with pytest.raises(InputError):
        read_settings(path)


def test_policies_name_exactly_the_stores_own_paths():
    for role, text in policies("vault://kv/team").items():
        paths = [line.split('"')[1] for line in text.splitlines()]
        own = [path for path in paths if path.startswith("kv/") and path != "kv/config"]
        assert all(path.split("/", 2)[2].startswith("team/") for path in own), role
        assert not any(path.startswith(("sys/policies", "sys/mounts", "auth/token/create")) for path in paths)
        if role != "break-glass":
            assert not any(path.endswith(("/team/*", "/*/*")) for path in own), role
    readers = policies("vault://kv/team")
    for role in ("inventory", "auditor", "planner", "ci-reader"):
        assert not any(word in readers[role] for word in ('"create"', '"delete"', "/cand/")), role
