"""Logins in files that are known by their names, and tokens in base64."""

import base64
import random
import secrets

import pytest

from tests.fakes.possible_findings import may_hold_shapes
from tests.fakes.token_examples import example
from tokenguard.detection.credential_files import is_credential_file
from tokenguard.detection.extras import scan_extras
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scanner import Stages, scan
from tokenguard.token_formats.table import FORMATS, format_by_id
from tokenguard.token_formats.template import pieces

FILES = {
    ".netrc": "machine api.example.test login svc password {}\n",
    "home/_netrc": "machine api.example.test\n  login svc\n  password {}\n",
    ".pgpass": "db.example.test:5432:app:svc:{}\n",
    ".npmrc": "//npm.example.test/:_password={}\n",
    ".pypirc": "[index]\nusername = __token__\npassword = {}\n",
    ".m2/settings.xml": "<server><id>a</id><password>{}</password></server>\n",
    "wp-config.php": "define( 'DB_PASSWORD', '{}' );\n",
    ".docker/config.json": '{{"auths": {{"https://example.test": {{"auth": "{}"}}}}}}\n',
    "secret/.dockerconfigjson": '{{"auths": {{"a": {{"auth": "{}"}}}}}}\n',
    ".kube/config": "users:\n- name: a\n  user:\n    client-key-data: {}\n",
    ".terraformrc": 'credentials "app.example.test" {{\n  token = "{}"\n}}\n',
    ".htpasswd": "svc:$apr1$abcdefgh${}\n",
    ".git-credentials": "https://svc:{}@example.test\n",
    ".my.cnf": "[client]\npassword = {}\n",
    ".vault-token": "{}",
}


def found(path: str, text: str) -> list[tuple[str, int]]:
    return [(match.type, match.line) for match in scan_extras(text, path)]


@pytest.mark.parametrize("path", FILES)
def test_a_login_in_a_file_of_that_name_is_found(path: str) -> None:
    value = secrets.token_hex(16)
    text = FILES[path].format(value)
    assert len(found(path, text)) == 1
    assert is_credential_file(path)
    assert may_hold_shapes(text.encode(), path)
    assert found(f"{path}.md", text) == [("Registry login", 1)] * ('"auths"' in text), "another name"


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    "value",
    [
        "${NPM_TOKEN}",
        "$TOKEN_1",
        "<password>",
        "your-password",
        "abc",
        "changeme12",
        "insert-token-here",
        "fake_secret_for_tests",
        "REPLACE_ME",
        "[REDACTED]",
        "__DB_PASSWORD__",
        "@@DB_PASSWORD@@",
        "process.env.TOKEN",
        "op://vault/item/field",
    ],
)
def test_a_reference_or_a_placeholder_is_no_login(path: str, value: str) -> None:
    if path.endswith((".htpasswd", ".xml")) and value in {"abc", "<password>"}:
        return
    assert [kind for kind, _ in found(path, FILES[path].format(value)) if kind != "Password hash in .htpasswd"] == []


ENCODED = [
    kind
    for kind in FORMATS
    if kind.stands_alone and isinstance(pieces(kind.shapes[0])[0], str) and len(pieces(kind.shapes[0])[0]) >= 4
]


@pytest.mark.parametrize("kind", ENCODED, ids=lambda kind: kind.id)
def test_a_token_in_base64_is_found_by_name_at_any_offset(kind) -> None:
    value = example(kind, 4, kind.shapes[0])
    for before in ("", "a:", "x y "):
        plain = f"{before}{value}"
        if before == "a:" and kind.left != "A-Za-z0-9_":
            continue
        text = f"data: {base64.b64encode(plain.encode()).decode()}\n"
        assert kind.type in [name for name, _ in found("a.yaml", text)], (before, plain)


def test_a_private_key_in_base64_is_found() -> None:
    body = base64.b64encode(random.Random(1).randbytes(400)).decode()
    pem = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
    assert found("a.yaml", f"key: {base64.b64encode(pem.encode()).decode()}\n") == [("Private Key", 1)]


def test_an_encrypted_private_key_is_found() -> None:
    body = base64.b64encode(random.Random(2).randbytes(300)).decode()
    assert found("a.key", f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n") == [("Encrypted Private Key", 1)]


def test_other_base64_is_left_alone() -> None:
    noise = random.Random(3)
    text = "\n".join(base64.b64encode(noise.randbytes(200)).decode() for _ in range(500))
    assert found("a.txt", text) == []
    assert found("a.txt", base64.b64encode(b"ghp_ and sk-proj- and AKIA are how they begin").decode()) == []


def test_a_comment_on_the_line_before_silences_in_yaml_too() -> None:
    value = secrets.token_urlsafe(15)
    for comment in ("# pragma: allowlist nextline secret", "// pragma: allowlist nextline secret"):
        text = f"a:\n  {comment}\n  password: {value}1a\n"
        report = scan([Blob(path="a.yml", data=text.encode())], Stages())
        assert (len(report.findings), report.allowed) == (0, 1)


def test_many_beginnings_of_encoded_tokens_are_no_work() -> None:
    core = base64.b64encode(b"ghp_").decode()[:5]
    found("a.txt", core * 200_000)
    found("a.txt", f"{core} " * 100_000)
    assert format_by_id("github-token") is not None
