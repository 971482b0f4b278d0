"""A user of Vault or OpenBao with their variables set and no configuration: `tokenguard --store vault://… init` works."""

import itertools
import secrets

import pytest

from tokenguard.cli.error_handler import run
from tokenguard.errors import ExitCode
from tokenguard.shell.wiring import Wiring

_numbers = itertools.count()


@pytest.fixture
def url() -> str:
    return f"vault://secret/environment{next(_numbers)}"


@pytest.fixture(autouse=True)
def platform(monkeypatch, tmp_path):
    """A user without a configuration, whose machine knows no server yet."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for variable in ("TOKENGUARD_STATE_DIR", "TOKENGUARD_CONFIG"):
        monkeypatch.delenv(variable, raising=False)


def tokenguard(capfd, environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    code = run(["--no-input", *arguments], Wiring(environ={"NO_COLOR": "1", **environ}))
    shown = capfd.readouterr()
    return code, shown.out + shown.err


@pytest.mark.parametrize("family", ["VAULT_", "BAO_"])
def test_a_store_is_made_and_used_with_the_variables_alone(openbao, url, capfd, family):
    environ = {f"{family}ADDR": openbao.url, f"{family}TOKEN": openbao.root_token}
    for line in (["init"], ["list"], ["audit", "verify"]):
        code, said = tokenguard(capfd, environ, "--store", url, *line)
        assert code == ExitCode.OK, said
        assert openbao.root_token not in said


def test_the_token_that_vault_login_left_is_used(openbao, url, capfd, tmp_path):
    (tmp_path / ".vault-token").write_text(openbao.root_token)
    (tmp_path / ".vault-token").chmod(0o600)
    environ = {"VAULT_ADDR": openbao.url, "HOME": str(tmp_path)}
    assert tokenguard(capfd, environ, "--store", url, "init")[0] == ExitCode.OK


def test_a_namespace_of_the_environment_is_where_the_store_is(openbao, url, capfd):
    name = f"team-{secrets.token_hex(4)}"
    openbao.api("POST", f"sys/namespaces/{name}")
    openbao.api("POST", f"{name}/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    environ = {"VAULT_ADDR": openbao.url, "VAULT_TOKEN": openbao.root_token, "VAULT_NAMESPACE": name}
    code, said = tokenguard(capfd, environ, "--store", url, "init")
    assert code == ExitCode.OK, said
    folder = url.removeprefix("vault://secret/")
    assert openbao.api("GET", f"{name}/secret/data/{folder}/meta/store").ok
    assert openbao.api("GET", f"secret/data/{folder}/meta/store", check=False).status_code == 404


def test_in_ci_the_runner_names_the_server_and_the_environment_alone_does_not(
    openbao, url, capfd, monkeypatch, tmp_path
):
    environ = {"VAULT_ADDR": openbao.url, "VAULT_TOKEN": openbao.root_token}
    assert tokenguard(capfd, environ, "--store", url, "init")[0] == ExitCode.OK
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "another machine"))
    fresh = {**environ, "CI": "true"}
    code, said = tokenguard(capfd, fresh, "--store", url, "list")
    assert code == ExitCode.USAGE
    assert said.count("error: ") == said.count("hint: ") == 1
    assert tokenguard(capfd, fresh, "--store", url, "--server", openbao.url, "list")[0] == ExitCode.OK


def test_a_server_that_is_no_longer_the_first_one_hears_nothing(openbao, url, capfd):
    environ = {"VAULT_ADDR": openbao.url, "VAULT_TOKEN": openbao.root_token}
    assert tokenguard(capfd, environ, "--store", url, "init")[0] == ExitCode.OK
    code, said = tokenguard(capfd, {**environ, "VAULT_ADDR": "https://vault.example.org"}, "--store", url, "list")
    assert code == ExitCode.USAGE
    assert "--accept-server" in said


def test_skipping_verification_is_ignored_and_said(openbao, url, capfd):
    environ = {"VAULT_ADDR": openbao.url, "VAULT_TOKEN": openbao.root_token}
    assert tokenguard(capfd, environ, "--store", url, "init")[0] == ExitCode.OK
    assert "VAULT_SKIP_VERIFY" in tokenguard(capfd, {**environ, "VAULT_SKIP_VERIFY": "1"}, "--store", url, "list")[1]
