"""Every login that a real OpenBao can check here: AppRole, a wrapped secret_id, a CI's JWT, a private file, TLS."""

import base64
import itertools
import json
import ssl
import time

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.fakes.vault_proxy import VaultProxy
from tests.integration.openbao import OpenBao, running

_numbers = itertools.count()


@pytest.fixture(scope="module")
def openbao(own_openbao):
    return own_openbao


@pytest.fixture(scope="module")
def role(openbao: OpenBao) -> dict[str, str]:
    """An AppRole that may what the policy `rotator` says."""
    openbao.api("POST", "sys/auth/approle", {"type": "approle"})
    options = {"token_policies": ["rotator"], "token_ttl": "1h", "token_no_default_policy": True}
    openbao.api("POST", "auth/approle/role/ci", options)
    return openbao.api("GET", "auth/approle/role/ci/role-id").json()["data"]


@pytest.fixture
def cli(openbao, sandbox, role, tmp_path, capfd) -> VaultCommandLine:
    """A store of its own with one token; `rotator` is the policy that is printed for it."""
    from tokenguard.shell.vault_store import policies

    url = f"vault://secret/logins{next(_numbers)}"
    openbao.api("PUT", "sys/policies/acl/rotator", {"policy": policies(url)["rotator"]})
    cli = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=url)
    assert cli("init", "--sandbox").code == 0
    assert cli.issue().code == 0
    return cli


def test_an_approle_rotates(cli, openbao, role):
    cli.token = openbao.api("POST", "auth/approle/role/ci/secret-id").json()["data"]["secret_id"]
    cli.vault = {"auth": "approle", "role": role["role_id"]}
    assert cli("rotate", NAME).code == 0
    assert "vault:entity:" in cli("audit", "log", NAME).out


def test_a_wrapped_secret_id_works_once_and_then_says_so(cli, openbao, role, words):
    wrapped = openbao._session.post(
        f"{openbao.url}/v1/auth/approle/role/ci/secret-id",
        headers={"X-Vault-Token": openbao.root_token, "X-Vault-Wrap-TTL": "60s"}, timeout=10,
    ).json()  # fmt: skip
    cli.token = wrapped["wrap_info"]["token"]
    cli.vault = {"auth": "approle", "role": role["role_id"], "wrapped": True}
    assert cli("list").code == 0
    again = cli("list")
    assert again.code == 4
    words(again)


def signed(key: rsa.RSAPrivateKey, **claims: object) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    text = f"{part(json.dumps({'alg': 'RS256', 'typ': 'JWT'}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def test_a_ci_job_logs_in_with_its_own_jwt_and_only_if_it_is_the_right_job(cli, openbao, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    openbao.api("POST", "sys/auth/ci", {"type": "jwt"})
    openbao.api("POST", "auth/ci/config", {"jwt_validation_pubkeys": [public.decode()]})
    openbao.api(
        "POST", "auth/ci/role/rotation",
        {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["tokenguard"], "token_policies": ["rotator"],
         "bound_claims": {"repository": "team/app"}, "token_ttl": "1h"},
    )  # fmt: skip
    file = tmp_path / "jwt"
    cli.vault = {"auth": "jwt", "auth_mount": "ci", "role": "rotation", "credential": f"file:{file}"}
    now = int(time.time())
    claims = {"sub": "job", "aud": "tokenguard", "iat": now, "nbf": now - 5, "exp": now + 300}
    file.write_text(signed(key, **claims, repository="team/app"))
    assert cli("rotate", NAME).code == 0
    file.write_text(signed(key, **claims, repository="team/other"))
    refused = cli("rotate", NAME)
    assert refused.code == 4
    assert all(word in refused.error for word in ("rotation", "repository", "team/other"))
    assert "auth/ci/role/rotation" in refused.err
    assert not any(part in refused.err + refused.out for part in file.read_text().split("."))


def test_a_token_file_must_be_private(cli, openbao, tmp_path):
    file = tmp_path / "login"
    file.write_text(openbao.root_token + "\n")
    cli.vault = {"credential": f"file:{file}"}
    file.chmod(0o644)
    assert cli("list").code == 2
    file.chmod(0o600)
    assert cli("list").code == 0


@pytest.mark.parametrize("flaw", ["", "unknown authority", "wrong name"])
def test_a_rotation_over_tls_and_none_over_a_certificate_that_is_wrong(cli, openbao, tmp_path, flaw, words):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer = trustme.CA() if flaw == "unknown authority" else authority
    issuer.issue_cert("localhost" if flaw == "wrong name" else "127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with VaultProxy(openbao.port, context=context) as proxy:
        cli.address, cli.vault = proxy.url, {"ca_bundle": str(tmp_path / "ca.pem")}
        answer = cli("rotate", NAME)
        if flaw:
            assert answer.code == 4
            words(answer)
            assert "ca_bundle" in answer.err
            assert proxy.asked == []
        else:
            assert answer.code == 0, answer.err


def test_a_sealed_vault_says_so(sandbox, tmp_path, capfd):
    with running() as openbao:
        cli = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url="vault://secret/sealed")
        assert cli("init").code == 0
        openbao.api("POST", "sys/seal")
        for line in (["list"], ["rotate", NAME], ["doctor"]):
            answer = cli(*line)
            assert answer.code == 4, line
            assert "sealed" in answer.err + answer.out
