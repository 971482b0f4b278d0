"""Values that a program decodes before it uses them, names that end in `Key` or `pw`, and keys in blocks of YAML."""

import base64
import random

import pytest

from tokenguard.detection.assignments import assignments
from tokenguard.detection.match import TextMatch
from tokenguard.domain.profile import Profile
from tokenguard.scanning.scanner import Stages, matches_of


def value() -> str:
    return base64.b64encode(random.Random(11).randbytes(16)).decode()


def candidates(text: str, path: str) -> list[str]:
    return [each.value for each in assignments(text.encode(), path)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.go", 'key = []byte("{}")'),
        ("a.go", "key := []byte(`{}`)"),
        ("a.go", 'secretData, _ := hex.DecodeString("{}")'),
        ("a.go", 'secret, err := base64.StdEncoding.DecodeString("{}")'),
        ("a.java", 'manager.setCipherKey(Base64.decode("{}"));'),
        ("a.java", 'byte[] sharedKey = Base64.getDecoder().decode("{}");'),
        ("a.kt", 'val secret = Hex.decode("{}")'),
        ("a.cs", 'var key = Convert.FromBase64String("{}");'),
        ("a.py", "nonce_secret = b64decode(b'{}')"),
        ("a.py", 'SECRET = binascii.unhexlify("{}")'),
        ("a.php", "$key = hex2bin('{}');"),
        ("a.rb", 'secret = Base64.decode64("{}")'),
        ("a.ex", 'secret = Base.decode64!("{}")'),
        ("a.js", "const token = atob('{}')"),
        ("a.rs", 'let key = hex::decode("{}")'),
        ("a.java", 'String aesKey = "{}";'),
        ("a.json", '{"userKey": "{}"}'),
        ("a.cs", 'cipher.SetKey("{}");'),
        (".env", "DB_PW={}"),
    ],
)
def test_a_value_is_read_where_a_program_decodes_it_or_a_short_name_has_it(path: str, text: str) -> None:
    assert candidates(text.replace("{}", value()), path) == [value()]


@pytest.mark.parametrize(
    "text", ['salt := []byte("world")', 'sortKey: "name"', 'key = decode("hello")', "monkey = 'k7Q1'"]
)
def test_a_word_that_is_decoded_or_sorted_by_is_none(text: str) -> None:
    assert candidates(text, "a.go") == []


def test_a_private_key_in_a_block_of_yaml_is_told_on_its_own_line() -> None:
    """Not on the line of the block's name, where detect-secrets tells it, and which a reader does not find it on."""
    header = f"-----BEGIN {'RSA'} PRIVATE KEY-----"
    text = f"a: 1\nb:\n  note: x\n  certificate: |\n    some\n    {header}\n    {value() * 2}\n    -----END RSA PRIVATE KEY-----\n"

    def lines(profile: Profile) -> list[int]:
        told = matches_of(text.encode(), "a.yml", Stages(profile=profile))
        return [each.line for each in told if isinstance(each, TextMatch) and each.type == "Private Key"]

    assert lines(Profile.DEFAULT) == [6]
    assert lines(Profile.DETECT_SECRETS) == [4]
