"""A bundle goes through a real OpenBao and the strict fake of AWS, with each role's policy and no more."""

import json
import re

from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tokenguard.places import state_dir

PUBLISH = (
    "fingerprints",
    "publish",
    "--to-store",
    "--key-file",
    "key",
    "--create-key",
    "--public-code",
    "public",
    "--format",
    "json",
)
VERIFY = ("audit", "verify")
PULL = ("fingerprints", "pull", "--from", "store", "--format", "json")


def test_on_openbao_a_publisher_publishes_and_a_scanner_pulls_and_sees_nothing_else(
    openbao, sandbox, tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "code.py").write_text("x = 1\n")
    vault = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url="vault://secret/publishing")
    assert vault("init", "--sandbox").code == 0
    assert vault.issue().code == 0
    value = vault.live(NAME)
    policies = vault("init", "--print-policy", "--format", "json").document["policies"]
    publisher, scanner = (openbao.new_token(policies[role]) for role in ("publisher", "scanner"))
    assert vault(*PULL, token=scanner).code == 2
    published = vault(*PUBLISH, token=publisher)
    assert published.code == 0, (published.out, published.err)
    assert published.document["entries"] == 1
    assert vault(*PUBLISH, token=publisher).document["version"] == 2
    assert vault(*PULL, token=scanner).document["version"] == 2
    assert vault(*PULL, token=openbao.new_token(policies["inventory"])).code == 0
    for role in ("auditor", "rotator", "inventory", "publisher"):
        login = openbao.new_token(policies[role])
        assert vault("audit", "verify", token=login).code == 0, role
        told = vault("audit", "log", "--op", "share", "--format", "json", token=login).document["entries"]
        assert sorted(each["detail"]["item"] for each in told) == ["fingerprints", "fingerprints", "scan-key"]
    assert [vault(*PUBLISH, token=scanner).code, vault("list", token=scanner).code] == [4, 4]
    shared = openbao.api("GET", "secret/data/publishing/shared/fingerprints", token=scanner).text
    for place in ("live/video/app/prod/post", "key/fingerprint"):
        assert openbao.api("GET", f"secret/data/publishing/{place}", check=False, token=scanner).status_code == 403
    assert value not in shared
    assert vault("rotate", NAME, token=publisher).code == 4
    older = "\n".join(line for line in policies["rotator"].splitlines() if "/shared/" not in line)
    assert older != policies["rotator"].rstrip()
    login = openbao.new_token(older)
    assert vault("rotate", NAME, token=login).code == 0, "a policy from before trails of what is shared"
    assert vault("audit", "verify", token=login).code == 4, "what cannot be read is not called whole"


def test_on_aws_the_calls_of_both_roles_are_those_of_their_policies(fake_aws, sandbox, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "code.py").write_text("x = 1\n")
    for name, text in CREDENTIALS.items():
        monkeypatch.setenv(name, text)
    cli = AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch)
    assert cli("init", "--sandbox").code == 0
    assert cli.issue().code == 0
    policies = cli("init", "--print-policy", "--format", "json").document["policies"]
    for role, lines in {"publisher": [PUBLISH, PUBLISH], "scanner": [PULL], "inventory": [PULL, VERIFY]}.items():
        fake_aws.requests.clear()
        for line in lines:
            assert cli(*line).code == 0, line
        assert not [each for each in fake_aws.requests if not allowed(json.loads(policies[role])["Statement"], *each)]
    assert (state_dir() / "scan").is_dir()
    names = [each["name"] for each in cli("list", "--format", "json").document["tokens"]]
    assert len(names) == 1, "what is shared is not a token"


def allowed(statements: list[dict], operation: str, asked: dict) -> bool:
    """Whether a statement names the call, and the secret if the call names one."""
    name = asked.get("SecretId") or asked.get("Name") or ""
    for each in statements:
        patterns = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
        secrets = [pattern.partition(":secret:")[2].removesuffix("-??????") or "*" for pattern in patterns]
        fits = any(re.fullmatch(re.escape(secret).replace(r"\*", ".*"), name) for secret in secrets)
        if fits and operation in {action.partition(":")[2] for action in each["Action"]}:
            return True
    return False
