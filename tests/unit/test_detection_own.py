"""Stage A: own tokens in every disguise, none in anything else, and nothing weak in the index."""

import base64
import json
import secrets
import string
import sysconfig
from pathlib import Path

import pytest

from tokenguard.detection.known_token_index import OwnIndex, OwnTag, covered, pieces, tag_of
from tokenguard.detection.known_tokens import scan_own

KEY = secrets.token_bytes(32)
LETTERS = string.ascii_letters + string.digits


def uuid() -> str:
    text = secrets.token_hex(16)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


SHAPES = {
    "letters": lambda: "".join(secrets.choice(LETTERS) for _ in range(40)),
    "url-safe": lambda: secrets.token_urlsafe(32),
    "hex": lambda: secrets.token_hex(20),
    "autoposting": lambda: "sk-social-" + "".join(secrets.choice(LETTERS) for _ in range(64)),
    "descript": lambda: "dx_" + "bearer_" + uuid() + ":dx_" + "secret_" + uuid(),
}


def index(*values: str) -> OwnIndex:
    entries = []
    for number, value in enumerate(values):
        for piece in pieces(value):
            tag, anchor, length = tag_of(KEY, piece)
            entries.append(OwnTag(tag=tag, anchor=anchor, length=length, token=f"{number:032x}"))
    return OwnIndex(KEY, entries, "-_:")


def usable(shape: str) -> str:
    while not covered(value := SHAPES[shape]()):
        pass
    return value


DISGUISES = {
    "quoted": lambda t: f'key = "{t}"',
    "url query": lambda t: f"https://example.net/y?token={t}&z=1",
    "glued": lambda t: f"abc{t}def",
    "glued by underscores": lambda t: f"prefix_{t}_suffix",
    "bearer": lambda t: f"Authorization: Bearer {t}",
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "base64, one byte later": lambda t: base64.b64encode(b"x" + t.encode()).decode(),
    "base64, two bytes later": lambda t: base64.b64encode(b"xy" + t.encode()).decode(),
    "base64 url-safe": lambda t: base64.urlsafe_b64encode(b"\xff\xfe" + t.encode()).decode(),
    "basic auth": lambda t: "Basic " + base64.b64encode(f"user:{t}".encode()).decode(),
    "base64 of json": lambda t: base64.b64encode(json.dumps({"a": 1, "t": t}).encode()).decode(),
    "base64 twice": lambda t: base64.b64encode(base64.b64encode(t.encode())).decode(),
    "wrapped base64": lambda t: base64.encodebytes(b"x" * 50 + t.encode() + b"y" * 40).decode(),
    "wrapped base64 in a comment": lambda t: base64.encodebytes(b"x" * 50 + t.encode() + b"y" * 40).decode().replace("\n", "\n# "),
    "hex": lambda t: t.encode().hex(),
    "hex upper": lambda t: "0x" + t.encode().hex().upper(),
    "percent": lambda t: "".join(f"%{byte:02X}" for byte in t.encode()),
    "percent in part": lambda t: t[:7] + f"%{ord(t[7]):02x}" + t[8:],
    "json escapes": lambda t: "".join(f"\\u{ord(char):04x}" for char in t),
    "one json escape": lambda t: f'"{t[:5]}\\u{ord(t[5]):04x}{t[6:]}"',
    "python escapes": lambda t: "".join(f"\\x{byte:02x}" for byte in t.encode()),
    "joined": lambda t: f'x = "{t[:9]}" + "{t[9:]}"',
    "joined over lines": lambda t: f"x = ('{t[:9]}'\n     f'{t[9:20]}'\n     '{t[20:]}')",
    "utf-16": lambda t: f'x="{t}"'.encode("utf-16-le"),
    "utf-16 big": lambda t: f'x="{t}"'.encode("utf-16-be"),
    "base64 of utf-16": lambda t: base64.b64encode(f'x="{t}"'.encode("utf-16-le")).decode(),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_disguise_is_seen_through(shape: str) -> None:
    values = [usable(shape) for _ in range(5)]
    known = index(*values)
    missed = []
    for name, disguise in DISGUISES.items():
        for number, value in enumerate(values):
            written = disguise(value)
            data = written if isinstance(written, bytes) else written.encode()
            if f"{number:032x}" not in {match.facts["token"] for match in scan_own(known, b"first\n" + data)}:
                missed.append(name)
    assert missed == []


def test_half_of_a_descript_token_is_its_token() -> None:
    value = usable("descript")
    for half in value.split(":"):
        assert [match.facts["token"] for match in scan_own(index(value), half.encode())] == ["0" * 32]


def test_place_and_disguise_are_told() -> None:
    value = usable("letters")
    data = b"one\n two = '" + base64.b64encode(value.encode()) + b"'\n"
    (match,) = scan_own(index(value), data)
    assert (match.line, match.column, match.facts["as"], match.facts["state"]) == (2, 9, "base64", "live")


def test_nothing_is_found_in_ordinary_code_or_in_hashes() -> None:
    known = index(*(usable(shape) for shape in SHAPES for _ in range(100)))
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:60]
    hashes = "\n".join(
        f"sha512-{base64.b64encode(secrets.token_bytes(64)).decode()} {secrets.token_hex(32)}" for _ in range(500)
    )
    for data in [*(path.read_bytes() for path in library), hashes.encode()]:
        assert list(scan_own(known, data)) == []


WEAK = [
    "", "short1A", "a" * 64, "password-password-password-password", "correct-horse-battery-staple-of-2024", "1234567890" * 5,
    "ThisIsAVeryLongNameOfAThingThatIsNotRandom1", "0" * 64, "abcdefghijklmnopqrstuvwxyz0123456789", "tgcanary with spaces 123456789012", "é" * 40,
]  # fmt: skip


@pytest.mark.parametrize("value", WEAK)
def test_a_weak_value_is_not_covered(value: str) -> None:
    assert not covered(value)


@pytest.mark.parametrize("shape", SHAPES)
def test_generated_values_are_covered_nearly_always(shape: str) -> None:
    assert sum(covered(SHAPES[shape]()) for _ in range(200)) > 180


def test_nesting_for_its_own_sake_ends() -> None:
    data = secrets.token_bytes(30_000)
    for _ in range(12):
        data = base64.b64encode(data)[:200_000]
    assert list(scan_own(index(usable("letters")), data)) == []
