"""What is wrong with a login or an address is named as that; nothing of it is called expired, and no token is shown."""

import base64
import itertools
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.vault_command_line import Answer, VaultCommandLine
from tests.integration.openbao import OpenBao
from tokenguard.errors import ExitCode

_numbers = itertools.count()
NOBODY = 'path "nothing" { capabilities = ["read"] }'
MISLEADING = ("expired or was revoked", "a bug in tokenguard")


@pytest.fixture
def cli(openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/diagnoses{next(_numbers)}")
    assert made("init").code == ExitCode.OK
    return made


def told(cli: VaultCommandLine, code: ExitCode, *words: str) -> Answer:
    """`list` ends with the code, one error and one hint, which name these and nothing that misleads."""
    answer = cli("list")
    assert answer.code == code, answer.err
    assert (answer.err.count("error: "), answer.err.count("hint: "), answer.out) == (1, 1, "")
    assert all(word in answer.err for word in words), answer.err
    assert not any(word in answer.err for word in MISLEADING), answer.err
    assert cli.token not in answer.err or not cli.token
    return answer


def test_a_token_without_any_right_is_denied_and_not_expired(cli):
    cli.token = cli.server.new_token(NOBODY)
    told(cli, ExitCode.UNREACHABLE, "lookup-self")


def test_a_login_of_the_printed_reader_is_told_what_it_lacks(cli):
    cli.token = cli.server.new_token(
        cli("init", "--print-policy", "--format", "json").document["policies"]["ci-reader"]
    )
    told(cli, ExitCode.UNREACHABLE, "lookup-self")


def wrapped(cli: VaultCommandLine) -> str:
    made = requests.post(
        f"{cli.server.url}/v1/sys/wrapping/wrap", json={"held": "x"}, timeout=10,
        headers={"X-Vault-Token": cli.server.root_token, "X-Vault-Wrap-TTL": "300"},
    )  # fmt: skip
    return made.json()["wrap_info"]["token"]


def used_once(cli: VaultCommandLine) -> str:
    return cli.server.new_token(NOBODY, num_uses=1)


@pytest.mark.parametrize("made", [wrapped, used_once])
def test_a_login_that_is_good_for_one_request_is_told_as_that(cli, made):
    cli.token = made(cli)
    told(cli, ExitCode.UNREACHABLE, "for one request only", "bao unwrap")


def test_a_token_that_was_revoked_is_told_as_that(cli):
    cli.token = cli.server.new_token()
    cli.server.api("POST", "auth/token/revoke", {"token": cli.token})
    answer = cli("list")
    assert (answer.code, "revoked" in answer.error) == (ExitCode.UNREACHABLE, True)


@pytest.mark.parametrize("uses", range(1, 13))
def test_a_token_that_ends_with_any_request_is_told_as_that(cli, uses):
    cli.url = f"vault://secret/diagnoses{next(_numbers)}"
    assert cli("init", "--sandbox").code == ExitCode.OK
    made = cli.server.api("POST", "auth/token/create", {"num_uses": uses}).json()
    root, cli.token = cli.token, made["auth"]["client_token"]
    answer = cli.issue("video/app/prod/post")
    assert answer.code == ExitCode.UNREACHABLE, answer
    assert "expired" in answer.err
    assert "malformed" not in answer.err
    cli.token = root
    assert cli("list").code == ExitCode.OK


@pytest.mark.parametrize("auth", ["token", "approle", "jwt", "kubernetes"])
def test_a_namespace_that_is_not_there_is_named_with_every_login(cli, auth):
    cli.vault = {"namespace": "no/such/team", "auth": auth} | ({"role": "r"} if auth != "token" else {})
    told(cli, ExitCode.UNREACHABLE, "namespace")


@pytest.mark.parametrize(
    ("path", "code", "word"),
    [("/v1", ExitCode.USAGE, "/v1"), ("/v1/", ExitCode.USAGE, "/v1"), ("/ui", ExitCode.UNREACHABLE, "address"),
     ("/vault", ExitCode.UNREACHABLE, "address")],
)  # fmt: skip
def test_an_address_with_a_path_too_many(cli, path, code, word):
    cli.address = f"{cli.server.url}{path}"
    told(cli, code, word)


def test_a_store_whose_mount_was_moved_is_not_told_like_one_that_never_was(cli, openbao):
    mount = openbao.new_mount()
    cli.url = f"vault://{mount}/team"
    told(cli, ExitCode.USAGE, "there is no store", "namespace")
    assert cli("init").code == ExitCode.OK
    assert cli("list").code == ExitCode.OK
    openbao.api("POST", "sys/remount", {"from": mount, "to": f"{mount}-moved"})
    answer = told(cli, ExitCode.USAGE, "not there any more", "vault secrets list")
    assert "there is no store" not in answer.err
    openbao.api("POST", f"sys/mounts/{mount}", {"type": "kv-v2"})
    refused = cli("init")
    assert (refused.code, "not there any more" in refused.err) == (ExitCode.USAGE, True), refused
    assert cli("list").code == ExitCode.USAGE, "nothing was made"
    assert cli("init", "--anew").code == cli("list").code == ExitCode.OK


def test_a_store_of_another_namespace_was_never_here_and_a_known_one_is_not_made_again(cli, openbao):
    mount, teams = f"kv-{secrets.token_hex(3)}", [f"team-{secrets.token_hex(3)}" for _ in range(2)]
    for team in teams:
        openbao.api("POST", f"sys/namespaces/{team}", {})
        openbao.api("POST", f"{team}/sys/mounts/{mount}", {"type": "kv-v2"})
    cli.url, cli.vault = f"vault://{mount}/video/", {"namespace": teams[0]}
    wait_for_mount(openbao, f"{teams[0]}/{mount}")
    assert cli("init").code == cli("list").code == ExitCode.OK
    for again in (0, 1):
        openbao.api("DELETE", f"{teams[0]}/sys/mounts/{mount}")
        openbao.api("POST", f"{teams[0]}/sys/mounts/{mount}", {"type": "kv-v2"})
        wait_for_mount(openbao, f"{teams[0]}/{mount}")
        cli.url = f"vault://{mount}/video" + "/" * again
        told(cli, ExitCode.USAGE, "not there any more", teams[0])
        assert cli("init").code == cli("list").code == ExitCode.USAGE, "nothing was made"
        cli.vault = {"namespace": teams[1]}
        assert "not there any more" not in told(cli, ExitCode.USAGE, "there is no store", teams[1]).err
        cli.vault = {"namespace": teams[0]}
        assert cli("init", "--anew").code == cli("list").code == ExitCode.OK


def wait_for_mount(openbao: OpenBao, mount: str) -> None:
    for _ in range(100):
        if openbao.api("GET", f"{mount}/config", check=False).ok:
            return
        time.sleep(0.05)
    raise AssertionError("the mount did not become ready")


@pytest.fixture
def approle(cli) -> dict[str, str]:
    mount = f"approle-{secrets.token_hex(4)}"
    cli.server.api("POST", f"sys/auth/{mount}", {"type": "approle"})
    cli.server.api("POST", f"auth/{mount}/role/ci", {"token_policies": ["default"]})
    role = cli.server.api("GET", f"auth/{mount}/role/ci/role-id").json()["data"]["role_id"]
    cli.vault = {"auth": "approle", "auth_mount": mount, "role": role}
    cli.token = cli.server.api("POST", f"auth/{mount}/role/ci/secret-id").json()["data"]["secret_id"]
    return cli.vault


def test_a_plain_secret_id_that_is_called_wrapped(cli, approle):
    cli.vault = {**approle, "wrapped": True}
    told(cli, ExitCode.UNREACHABLE, "wrapped = true", "secret_id")


@pytest.mark.parametrize("wrong", [{"role": "no-such-role"}, {"auth_mount": "not-there"}])
def test_an_approle_that_is_wrong(cli, approle, wrong):
    cli.vault = {**approle, **wrong}
    told(cli, ExitCode.UNREACHABLE, "auth_mount", "role", "credential")


def test_a_secret_id_that_is_wrong(cli, approle):
    cli.token = "tgcanary-no-secret-id"
    told(cli, ExitCode.UNREACHABLE, "credential")


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Issuer:
    """Signs identities of jobs, as a CI does."""

    server: OpenBao
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    mount: str = field(default_factory=lambda: f"ci-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        public = self.key.public_key().public_bytes(encoding, form).decode()
        self.server.api("POST", f"sys/auth/{self.mount}", {"type": "jwt"})
        config = {"jwt_validation_pubkeys": [public], "bound_issuer": "https://ci.example.org"}
        self.server.api("POST", f"auth/{self.mount}/config", config)
        role = {
            "role_type": "jwt", "user_claim": "sub", "bound_subject": "job", "bound_audiences": ["tokenguard"],
            "bound_claims": {"repository": "team/app", "ref": ["refs/heads/main"]}, "token_policies": ["default"],
        }  # fmt: skip
        self.server.api("POST", f"auth/{self.mount}/role/rotation", role)

    def identity(self, *, without: str = "", **changes: object) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://ci.example.org", "sub": "job", "aud": "tokenguard", "iat": now, "nbf": now - 5,
            "exp": now + 300, "repository": "team/app", "ref": "refs/heads/main", **changes,
        }  # fmt: skip
        kept = {name: each for name, each in claims.items() if name != without}
        text = f"{_part(json.dumps({'alg': 'RS256', 'typ': 'JWT'}).encode())}.{_part(json.dumps(kept).encode())}"
        return f"{text}.{_part(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture
def issuer(cli) -> Issuer:
    issuer = Issuer(cli.server)
    cli.vault = {"auth": "jwt", "auth_mount": issuer.mount, "role": "rotation"}
    return issuer


CLAIMS: dict[str, tuple[Callable[[Issuer], str], tuple[str, ...]]] = {
    "another repository": (
        lambda ci: ci.identity(repository="team/other"),
        ("rotation", "repository", "team/other", "bound_claims.repository"),
    ),
    "another branch": (lambda ci: ci.identity(ref="refs/pull/7"), ("rotation", "ref", "refs/pull/7", "bound_claims.ref")),
    "a claim that is missing": (lambda ci: ci.identity(without="repository"), ("rotation", "repository", "no such claim")),
    "another audience": (lambda ci: ci.identity(aud=["vault"]), ("rotation", "aud", "vault", "bound_audiences")),
    "another subject": (lambda ci: ci.identity(sub="other"), ("rotation", "sub", "other", "bound_subject")),
    "another issuer": (
        lambda ci: ci.identity(iss="https://else.example.org"), ("iss", "https://else.example.org", "bound_issuer"),
    ),
    "an identity of yesterday": (
        lambda ci: ci.identity(exp=int(time.time()) - 9_000, nbf=int(time.time()) - 9_999, iat=int(time.time()) - 9_999),
        ("rotation", "exp", "expired"),
    ),
    "an identity of tomorrow": (
        lambda ci: ci.identity(exp=int(time.time()) + 9_999, nbf=int(time.time()) + 9_000, iat=int(time.time()) + 9_000),
        ("rotation", "nbf", "clocks"),
    ),
    "another signer": (lambda ci: Issuer(ci.server).identity(), ("signed", "auth_mount")),
    "a claim with control characters": (lambda ci: ci.identity(ref="a\x1b[2Jb"), ("rotation", "ref")),
}  # fmt: skip


@pytest.mark.parametrize("case", CLAIMS)
def test_a_job_that_is_not_the_right_one_is_told_role_and_claim_and_what_it_has(cli, issuer, case):
    make, words = CLAIMS[case]
    cli.token = make(issuer)
    answer = told(cli, ExitCode.UNREACHABLE, *words)
    assert not any(part in answer.err for part in cli.token.split("."))
    assert "\x1b" not in answer.err


@pytest.mark.parametrize("wrong", [{"role": "no-such-role"}, {"auth_mount": "not-there"}])
def test_a_role_or_method_that_is_not_there(cli, issuer, wrong):
    cli.token = issuer.identity()
    cli.vault = {**cli.vault, **wrong}
    told(cli, ExitCode.UNREACHABLE, "auth_mount", "role")


def test_the_right_job_gets_past_the_login(cli, issuer):
    cli.token = issuer.identity()
    assert "denied the request" in cli("list").error


def checks(cli: VaultCommandLine) -> tuple[int, list[str]]:
    """The exit code of `doctor`, and the checks that fail."""
    answer = cli("doctor", "--format", "json")
    return answer.code, [each["text"] for each in answer.document["checks"] if each["level"] == "fail"]


ROLES = ["rotator", "publisher", "inventory", "auditor", "planner", "scanner", "break-glass"]


@pytest.mark.parametrize("role", ROLES)
def test_doctor_judges_the_role_that_a_login_has(sandbox, cli, role):
    cli.url += "-tokens"
    assert cli("init", "--sandbox").code == ExitCode.OK
    assert cli.issue().code == ExitCode.OK
    policy = cli("init", "--print-policy", "--format", "json").document["policies"][role]
    cli.token = cli.server.new_token(policy)
    if role not in {"rotator", "break-glass"}:
        cli.environ = {"TOKENGUARD_ADMIN_AUTOPOSTING": ""}
    assert checks(cli) == (ExitCode.OK, [])


@pytest.mark.parametrize("lacks", ["/data/{}/cand/*", "/metadata/{}/dirty/*", "/data/{}/live/*"])
def test_a_rotator_that_lacks_something_is_told_what(cli, lacks):
    folder = cli.url.removeprefix("vault://secret/")
    policy = cli("init", "--print-policy", "--format", "json").document["policies"]["rotator"]
    path = f"secret{lacks.format(folder)}"
    kept = [line for line in policy.splitlines() if f'"{path}"' not in line]
    assert len(kept) < len(policy.splitlines())
    cli.token = cli.server.new_token("\n".join(kept))
    code, failing = checks(cli)
    assert code == ExitCode.UNREACHABLE
    assert any(path.removesuffix("*") in text for text in failing)


def test_a_reader_that_lacks_something_of_its_own_role_is_told_that_and_nothing_of_rotations(cli):
    policy = cli("init", "--print-policy", "--format", "json").document["policies"]["planner"]
    cli.token = cli.server.new_token("\n".join(line for line in policy.splitlines() if "/idx/" not in line))
    code, failing = checks(cli)
    assert code == ExitCode.UNREACHABLE
    assert failing
    assert not any("/cand/" in text or "/live/" in text for text in failing)
