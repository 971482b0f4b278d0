"""Values of programs, words and certificates in a secret's place are left out; a secret in the same place is found."""

import base64
import random
import string
from collections.abc import Iterator

import pytest

from tokenguard.detection.match import TextMatch
from tokenguard.scanning.scanner import Stages, matches_of

SOURCE = random.Random(41)


@pytest.fixture(autouse=True)
def same_values(request: pytest.FixtureRequest) -> None:
    """The same values in each run: the judge gives one in some hundreds a low confidence, as it looks like words."""
    SOURCE.seed(request.node.name)


def found(text: str, path: str) -> list[str]:
    return [each.value.reveal() for each in matches_of(text.encode(), path, Stages()) if isinstance(each, TextMatch)]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def generated() -> str:
    """As a generator makes it: with a digit and both cases."""
    return f"q7{''.join(SOURCE.choices(string.ascii_letters + string.digits, k=22))}W"


def uuid() -> str:
    digits = SOURCE.randbytes(16).hex()
    return "-".join((digits[:8], digits[8:12], f"4{digits[13:16]}", f"a{digits[17:20]}", digits[20:]))


PLACES = {
    "a character set": ("Auth.java", 'chain.setToken("{}")\n', "ISO-8859-1"),
    "a keyword's kind": ("keywords.txt", "psk\t{}\n", "KEYWORD2"),
    "a name in a registry": ("app.yml", 'password: "{}"\n', "urn:k8s:secret:oidc:redisPass"),
    "a version and its peers": ("packages.yaml", "  '@inquirer/password': {}\n", "4.0.23(@types/node@22.17.0)"),
    "a port and a path": ("app.yml", 'address: "http://auth-service:{}"\n', "8080/auth"),
    "a dated name": ("Migrations/A.cs", '[Migration("{}")]\n', "20260723111547_AllowDuplicatePlaylistChildren"),
    "typed along a row": ("app.py", 'password = "{}"\n', "asdf"),
    "typed along two rows": ("app.py", 'password = "{}"\n', "abcd1234"),
    "typed twice": ("app.py", 'password = "{}"\n', "passpass"),
    "the name's own word": (".github/workflows/a.yml", "      POSTGRES_PASSWORD: {}\n", "postgres"),
    "a word and the word secret": ("values.yaml", "certSecret: {}\n", "tlssecret"),
    "who is logged in": ("proxy_test.go", 'w.Header().Set("X-Auth-User", "{}")\n', "john"),
    "a hash of a label": ("app.yml", '- "x.basicauth.users={}"\n', "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"),
}  # fmt: skip
STILL_FOUND = {
    name: place
    for name, place in PLACES.items()
    if name not in {"a dated name", "who is logged in", "a hash of a label"}
}


@pytest.mark.parametrize("name", PLACES)
def test_what_a_program_or_a_person_writes_there_is_left_out(name: str) -> None:
    path, text, value = PLACES[name]
    assert found(text.format(value), path) == []


@pytest.mark.parametrize("name", STILL_FOUND)
def test_a_generated_value_in_the_same_place_is_found(name: str) -> None:
    path, text, _ = PLACES[name]
    value = generated()
    assert [each for each in found(text.format(value), path) if value.endswith(each)]


def harmless() -> Iterator[tuple[str, str]]:
    yield "A.xcscheme", f'<x BlueprintIdentifier = "{SOURCE.randbytes(12).hex().upper()}">\n'
    yield "A.cs", f'[A("2025-04-20T14:00:00", nameof(MigrateAuthenticationDb), "{uuid()}")]\n'
    yield "a.ts", f'const OAuthClientId = "{uuid()}";\n'
    parts = "--".join(encoded(SOURCE.randbytes(size)) for size in (700, 12, 16))
    yield "config/credentials.yml.enc", parts
    yield "a.ino", f'http.setAuthorization("{encoded(b"guest:guest")}");\n'
    yield "seed.py", 'totp_secret = "JBSWY3DPEHPK3PXP"\n'


HARMLESS = [*harmless()]


@pytest.mark.parametrize(("path", "text"), HARMLESS, ids=[path for path, _ in HARMLESS])
def test_identifiers_encrypted_files_and_published_values_are_left_out(path: str, text: str) -> None:
    assert found(text, path) == []


def test_an_npm_token_behind_its_own_name_is_found() -> None:
    token = uuid()
    assert found(f"//registry.example.test/:_authToken={token}\n", "npmrc.txt") == [token]


HEAD = "apiVersion: v1\nkind: Secret\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
EMPTY_KEY = b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"


def test_certificates_empty_keys_and_words_in_a_secrets_manifest_are_left_out() -> None:
    certificate = CERTIFICATE.format(encoded(SOURCE.randbytes(300)))
    inside = certificate.replace("\n", "\n    ")
    words = "".join(f"  a{n}: {encoded(each)}\n" for n, each in enumerate((b"password", b"this_is_the_secret")))
    assert found(f"{HEAD}data:\n  bundle: {encoded(certificate.encode())}\n{words}", "a.yaml") == []
    assert found(f"{HEAD}stringData:\n  provider: postgresql\n  bundle: |\n    {inside}\n", "a.yaml") == []
    assert encoded(EMPTY_KEY) not in found(f"{HEAD}data:\n  bundle: {encoded(EMPTY_KEY)}\n", "a.yaml")


def test_a_key_behind_a_certificates_name_in_a_manifest_is_found() -> None:
    key = encoded(
        b"-----BEGIN PRIVATE KEY-----\n" + encoded(SOURCE.randbytes(120)).encode() + b"\n-----END PRIVATE KEY-----"
    )
    assert len(found(f"{HEAD}data:\n  tls.key: {key}\n", "a.yaml")) == 1
