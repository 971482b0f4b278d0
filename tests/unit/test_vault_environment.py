"""What users of Vault and OpenBao have set works with no configuration, and no login goes where none of them meant it."""

from pathlib import Path

import pytest

from tokenguard.errors import InputError
from tokenguard.settings import Settings, VaultConfig
from tokenguard.shell.known_servers import KnownServers
from tokenguard.shell.vault_environment import skipped_verification
from tokenguard.shell.vault_store import check_server, vault_settings

ONE, OTHER = "https://vault.example.org:8200", "https://vault.example.net:8200"
TOKEN = "tgcanary-environment"


def made(config: VaultConfig | None = None, settings: Settings | None = None, /, **environ: str):
    return vault_settings(config, settings or Settings(), environ)


def login_of(settings) -> str:
    return settings.login.given().reveal()


@pytest.mark.parametrize("family", ["VAULT_", "BAO_"])
def test_the_variables_of_either_client_are_enough(family: str):
    given = {"ADDR": f"{ONE}/", "TOKEN": TOKEN, "NAMESPACE": "teams/video/", "CACERT": "/etc/ca.pem"}
    found = made(**{f"{family}{name}": text for name, text in given.items()})
    assert (str(found.address), found.namespace, found.ca_bundle) == (ONE, "teams/video", Path("/etc/ca.pem"))
    assert login_of(found) == TOKEN


def test_the_families_may_be_mixed_and_may_agree():
    assert login_of(made(BAO_ADDR=ONE, VAULT_ADDR=f"{ONE}/", VAULT_TOKEN=TOKEN)) == TOKEN


@pytest.mark.parametrize("name", ["ADDR", "TOKEN", "NAMESPACE", "CACERT"])
def test_two_variables_that_contradict_each_other_are_refused_by_name(name: str):
    environ = {"VAULT_ADDR": ONE, "VAULT_TOKEN": TOKEN, f"VAULT_{name}": ONE, f"BAO_{name}": OTHER}
    with pytest.raises(InputError) as caught:
        made(**environ)
    assert f"VAULT_{name}" in caught.value.message
    assert f"BAO_{name}" in caught.value.message
    assert OTHER not in caught.value.message + caught.value.hint


def test_what_vault_login_left_is_the_token_if_it_is_private(tmp_path: Path):
    file = tmp_path / ".vault-token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    assert login_of(made(VAULT_ADDR=ONE, HOME=str(tmp_path))) == TOKEN
    assert login_of(made(VAULT_ADDR=ONE, HOME=str(tmp_path), VAULT_TOKEN="tgcanary-first")) == "tgcanary-first"
    file.chmod(0o644)
    with pytest.raises(InputError):
        made(VAULT_ADDR=ONE, HOME=str(tmp_path))


def test_the_configuration_wins_and_nothing_of_the_environment_is_mixed_in():
    config = VaultConfig(address=ONE, credential="env:OURS")
    theirs = {"VAULT_ADDR": OTHER, "BAO_ADDR": ONE, "VAULT_TOKEN": TOKEN, "VAULT_NAMESPACE": "x", "VAULT_CACERT": "/x"}
    found = made(config, OURS="tgcanary-ours", **theirs)
    assert (str(found.address), found.namespace, found.ca_bundle) == (ONE, "", None)
    assert login_of(found) == "tgcanary-ours"


def test_a_field_that_the_configuration_has_wins_over_the_environments():
    config = VaultConfig(namespace="ours", credential="env:OURS")
    found = made(
        config,
        Settings(ca_bundle=Path("/ours")),
        VAULT_ADDR=ONE,
        VAULT_NAMESPACE="x",
        VAULT_CACERT="/x",
        OURS="tgcanary-ours",
    )
    assert (str(found.address), found.namespace, found.ca_bundle) == (ONE, "ours", Path("/ours"))
    assert login_of(found) == "tgcanary-ours"


@pytest.mark.parametrize(
    "config", [VaultConfig(address=ONE), VaultConfig(address=OTHER, others=(ONE,)), VaultConfig(asked=ONE)]
)
def test_the_environments_token_goes_to_a_named_server_that_the_environment_means_too(config: VaultConfig):
    assert login_of(made(config, VAULT_TOKEN=TOKEN)) == TOKEN
    assert login_of(made(config, VAULT_TOKEN=TOKEN, VAULT_ADDR=ONE)) == TOKEN


@pytest.mark.parametrize(
    ("config", "environ"),
    [
        (None, {}),
        (None, {"VAULT_TOKEN": TOKEN}),
        (None, {"VAULT_ADDR": ONE}),
        (None, {"VAULT_ADDR": ONE, "VAULT_TOKEN": "two words"}),
        (None, {"VAULT_ADDR": "http://vault.example.org", "VAULT_TOKEN": TOKEN}),
        (None, {"VAULT_ADDR": "unix:///run/vault.sock", "VAULT_TOKEN": TOKEN}),
        (None, {"VAULT_ADDR": f"{ONE}/v1", "VAULT_TOKEN": TOKEN}),
        (None, {"VAULT_ADDR": ONE, "VAULT_TOKEN": TOKEN, "VAULT_NAMESPACE": "a b"}),
        (VaultConfig(address=ONE), {"VAULT_ADDR": OTHER, "VAULT_TOKEN": TOKEN}),
        (VaultConfig(address=ONE, asked=OTHER, credential="env:VAULT_TOKEN"), {"VAULT_TOKEN": TOKEN}),
        (VaultConfig(asked=OTHER), {"VAULT_ADDR": ONE, "VAULT_TOKEN": TOKEN}),
        (VaultConfig(asked="vault"), {"VAULT_TOKEN": TOKEN}),
        (VaultConfig(auth="jwt", role="r"), {"VAULT_ADDR": ONE, "VAULT_TOKEN": TOKEN}),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_a_hint_and_without_the_token(config: VaultConfig | None, environ: dict[str, str]):
    with pytest.raises(InputError) as caught:
        made(config, **environ)
    assert caught.value.hint
    assert "tgcanary" not in caught.value.message + caught.value.hint


class TestWhereNoStateIsKept:
    URL = "vault://kv/video"
    ENVIRON = {"VAULT_ADDR": ONE, "VAULT_TOKEN": TOKEN}  # noqa: RUF012 - read only

    @pytest.fixture(autouse=True)
    def state(self, monkeypatch, tmp_path):
        monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))

    def check(self, config: VaultConfig | None = None, **environ: str) -> KnownServers:
        servers = KnownServers(self.URL, [ONE])
        check_server(servers, config, {**self.ENVIRON, **environ})
        return servers

    def test_a_machine_believes_the_first_server_and_then_only_that_one(self):
        self.check().remember()
        self.check()
        with pytest.raises(InputError):
            check_server(KnownServers(self.URL, [OTHER]), None, {**self.ENVIRON, "VAULT_ADDR": OTHER})

    def test_a_job_of_ci_does_not_take_the_environments_word(self):
        with pytest.raises(InputError) as caught:
            self.check(CI="true")
        assert "--server" in caught.value.hint

    @pytest.mark.parametrize(
        "config", [VaultConfig(asked=ONE), VaultConfig(address=ONE), VaultConfig(address="env:VAULT_ADDR")]
    )
    def test_a_job_whose_runner_names_the_server_is_let_on(self, config: VaultConfig):
        self.check(config, CI="true")

    def test_a_runner_that_has_kept_its_state_is_let_on(self):
        self.check().remember()
        self.check(CI="true")

    def test_a_machine_whose_state_cannot_be_kept_is_like_a_job(self, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "file" / "state"))
        with pytest.raises(InputError):
            self.check()


@pytest.mark.parametrize(
    ("text", "asked"), [("1", True), ("true", True), ("yes", True), ("0", False), ("", False), ("False", False)]
)
def test_checking_certificates_cannot_be_switched_off_and_the_wish_is_told(text: str, asked: bool):
    assert bool(skipped_verification({"VAULT_SKIP_VERIFY": text})) is asked
