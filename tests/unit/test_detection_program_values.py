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


ASSIGNED = {
    "a.yaml": "db:\n  password: {}\n",
    "env.yaml": '- name: DB_PASSWORD\n  value: "{}"\n',
    ".env": "DB_PASSWORD={}\n",
    "a.json": '{{"auth": {{"clientSecret": "{}"}}}}\n',
    "main.tf": '  master_password = "{}"\n',
    "app.properties": "spring.datasource.password={}\n",
}
REFERENCES = (
    "keyvault:team-a/secrets/db-pass7",
    "@Microsoft.KeyVault(SecretUri=https://team-a1.vault.azure.net/secrets/dbpass/0f1e2d3c4b5a69788796a5b4c3d2e1f0)",
    "https://team-a1.vault.azure.net/secrets/dbpass/0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "ref+vault://secret/team-a/db#/password1",
    "secretref+awssecrets://team-a/db1#password",
    "vault:secret/data/team-a/mysql#MYSQL_PASSWORD2",
    "ssm:/team-a/db4/password",
    "awsssm:///team-a/db4/password",
    "awssm://team-a/db9",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team-a/db-AbC172:password::",
    "arn:aws:ssm:eu-west-1:123456789012:parameter/team-a/db3",
    "gcp:///projects/4711471147/secrets/db3/versions/latest",
    "projects/4711471147/secrets/db-pass3/versions/3",
    "berglas://bucket-812/db-password1",
    "op://Private/db-812/password",
    "bws://6f1c1f1e-7b1d-4c0f-9a51-0c1d2e3f4a5b",
    "akv://team-a/db-pass7",
    "k8s:secret/team-a/db1",
    "env:DB_PASSWORD7",
    "#{Db.Password1}",
    "${{ secrets.DB_PASSWORD_2 }}",
    "{{ .Values.db.password1 }}",
    "%{hiera('db::password1')}",
)


@pytest.mark.parametrize(("path", "template"), ASSIGNED.items(), ids=ASSIGNED)
@pytest.mark.parametrize("reference", REFERENCES)
def test_where_a_manager_keeps_a_secret_is_none(reference: str, path: str, template: str) -> None:
    assert found(template.format(reference), path) == []


def ciphertexts() -> Iterator[str]:
    """What services for keys and tools for encrypted files write."""
    kms = encoded(SOURCE.randbytes(150))
    yield f"AQICAH{kms[6:]}"
    yield f"AQECAH{kms[6:]}"
    yield f"kms:AQICAH{kms[6:]}"
    yield f"CiQA{kms[4:]}"
    sealed = [encoded(SOURCE.randbytes(size)) for size in (18, 32, 16)]
    yield f"ENC[AES256_GCM,data:{sealed[0]},iv:{sealed[1]},tag:{sealed[2]},type:str]"
    yield f"EJ[1:{sealed[1]}:{sealed[0]}:{sealed[2]}]"


@pytest.mark.parametrize(("path", "template"), ASSIGNED.items(), ids=ASSIGNED)
def test_a_ciphertext_is_none(path: str, template: str) -> None:
    assert [each for each in ciphertexts() if found(template.format(each), path)] == []


@pytest.mark.parametrize(("path", "template"), ASSIGNED.items(), ids=ASSIGNED)
def test_a_value_that_only_looks_like_a_reference_or_a_ciphertext_is_found(path: str, template: str) -> None:
    for each in (f"op.{generated()}", f"vault-{generated()}", f"AQICAH{generated()}", f"arn:{generated()}"):
        assert found(template.format(each), path) == [each]
    assert found(f"client = {{secret:{generated()}/x7}}\n", "a.yaml")


ANNOTATED = (
    "metadata:\n  annotations:\n    checksum/secret: {}\n",
    "metadata:\n  annotations:\n    checksum/secret-env.yaml: '{}'\n",
    '{{"annotations": {{"checksum/secret": "{}"}}}}\n',
    "metadata:\n  annotations:\n    reloader.stakater.com/last-hash-secret: {}\n",
    "metadata:\n  labels:\n    token-hash: {}\n    secretHash: {}\n",
    '{{"secret": {{"fp": "{}"}}}}\n',
)


@pytest.mark.parametrize("template", ANNOTATED)
def test_a_digest_that_an_annotation_has_of_a_secret_is_none(template: str) -> None:
    digest = SOURCE.randbytes(32).hex()
    assert found(template.format(digest, digest), "a.yaml") == []
    assert found(f"metadata:\n  annotations:\n    example/secret: {digest}\n", "a.yaml") == [digest]
