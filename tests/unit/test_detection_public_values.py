"""What is encrypted, public, or an example of a standard is left out; a token in base64 is one finding."""

import base64
import random
import string

import pytest

from tests.fakes.token_examples import example
from tokenguard.detection.match import TextMatch
from tokenguard.scanning.scanner import Stages, matches_of
from tokenguard.token_formats.table import FORMATS

SOURCE = random.Random(31)


def digits(length: int, alphabet: str = string.ascii_letters + string.digits + "+/") -> str:
    return "".join(SOURCE.choices(alphabet, k=length))


@pytest.fixture(autouse=True)
def same_values(request: pytest.FixtureRequest) -> None:
    """The same values in each run: the judge gives one in some hundreds a low confidence, as it looks like words."""
    SOURCE.seed(request.node.name)


def told(text: str, path: str) -> list[TextMatch]:
    return [each for each in matches_of(text.encode(), path, Stages()) if isinstance(each, TextMatch)]


EXAMPLE = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890","name":"John Doe","iat":1516239022}')
)
HARMLESS = {
    "sealed.yaml": f"spec:\n  encryptedData:\n    password: AgB{digits(300)}\n    token: AgA{digits(300)}\n",
    ".env": f'DB_PASSWORD="encrypted:B{digits(160)}="\n',
    "Pulumi.prod.yaml": f"encryptionsalt: v1:{digits(11)}=:v1:{digits(16)}:{digits(64)}\n",
    "sops.yaml": f"recipient: age1{digits(58, 'qpzry9x8gf2tvdw0s3jn54khce6mua7l')}\n",
    "page.json": f'{{"nextPageToken": "{digits(40)}"}}\n',
    "auth.md": f"Authorization: Basic {base64.b64encode(b'Aladdin:open sesame').decode()}\n",
    "jwt.md": f"{EXAMPLE}.{digits(43, string.ascii_letters + string.digits)}\n",
}


@pytest.mark.parametrize(("path", "text"), HARMLESS.items(), ids=HARMLESS)
def test_what_is_encrypted_or_public_is_left_out(path: str, text: str) -> None:
    assert told(text, path) == []


def test_a_password_beside_a_word_for_pages_is_found() -> None:
    assert [each.line for each in told(f"page_size: 3\npassword: q7{digits(20)}\n", "a.yaml")] == [2]


@pytest.mark.parametrize("name", ["GitHub Token", "npm Token", "Stripe Access Key"])
def test_a_token_in_base64_is_one_finding(name: str) -> None:
    kind = next(each for each in FORMATS if each.type == name)
    written = base64.b64encode(f"x={example(kind, SOURCE)}".encode()).decode()
    (found,) = told(f"v: {written}\n", "a.txt")
    assert found.type == name


LOGINS = {
    ".curlrc": 'user = "me:{}"\n',
    "app/.bundle/config": '---\nBUNDLE_GEMS__EXAMPLE__NET: "me:{}"\n',
    "userlist.txt": '"app" "{}"\n',
}


@pytest.mark.parametrize(("path", "template"), LOGINS.items(), ids=LOGINS)
def test_logins_in_files_that_programs_keep_them_in(path: str, template: str) -> None:
    secret = f"q7{digits(18, string.ascii_letters + string.digits)}W"
    (found,) = told(template.format(secret), path)
    assert found.value.reveal() == secret


@pytest.mark.parametrize("path", ["config/master.key", "config/credentials/production.key"])
def test_the_master_key_of_rails_is_found(path: str) -> None:
    assert [each.type for each in told(f"{SOURCE.randbytes(16).hex()}\n", path)] == ["Master key of Rails"]


KEYS = {
    "id.ppk": "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: a\nPublic-Lines: 1\n{base}\nPrivate-Lines: 1\n{base}\nPrivate-MAC: {hex}\n",
    "client.ovpn": "client\n<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n{lines}\n-----END OpenVPN Static key V1-----\n",
    "key.xml": "<RSAKeyValue><Exponent>AQAB</Exponent><D>{long}==</D></RSAKeyValue>\n",
}  # fmt: skip


@pytest.mark.parametrize(("path", "template"), KEYS.items(), ids=KEYS)
def test_private_keys_that_detect_secrets_does_not_know_are_found(path: str, template: str) -> None:
    lines = "\n".join(SOURCE.randbytes(16).hex() for _ in range(16))
    text = template.format(base=digits(64), hex=SOURCE.randbytes(32).hex(), lines=lines, long=digits(170))
    assert [each.type for each in told(text, path) if each.type == "Private Key"] == ["Private Key"]
    assert told(text.replace("<D>", "<E>").replace("PuTTY", "Other").replace("OpenVPN", "Other"), path) == []


def test_a_text_block_is_told_on_the_line_of_its_value() -> None:
    text = f"password: |\n  q7{digits(20, string.ascii_letters + string.digits)}\nother: 1\n"
    assert [(each.line, each.column) for each in told(text, "a.yaml")] == [(2, 3)]
