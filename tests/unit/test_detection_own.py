"""Stage A: own tokens in every disguise, none in anything else, and nothing weak in the index."""

import base64
import random
import re
import secrets
import string
import sysconfig
from pathlib import Path

import pytest

from docs.disguises import PAGE, written
from tests.fakes.disguises import COVERED, NOT_COVERED
from tokenguard.detection import decoded_views
from tokenguard.detection.known_token_index import OwnIndex, OwnTag, pieces, tag_of
from tokenguard.detection.known_tokens import scan_own
from tokenguard.detection.match import TextMatch
from tokenguard.detection.value_coverage import covered

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


def tokens_in(known: OwnIndex, written: str | bytes) -> set[str]:
    data = written if isinstance(written, bytes) else written.encode()
    return {each.facts["token"] for each in scan_own(known, b"first\n" + data) if isinstance(each, TextMatch)}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_covered_disguise_is_seen_through(shape: str) -> None:
    values = [usable(shape) for _ in range(2)]
    known = index(*values)
    missed = [
        name
        for name, write in COVERED.items()
        for number, value in enumerate(values)
        if f"{number:032x}" not in tokens_in(known, write(value))
    ]
    assert missed == []


@pytest.mark.parametrize("shape", ["letters", "descript"])
def test_a_large_text_is_read_as_a_short_one_is(shape: str, monkeypatch) -> None:
    """Of a large one it is asked first which kinds of disguises there may be."""
    value = usable(shape)
    known = index(value)
    lines = [f"2026-11-29 21:38:14 GET /jobs?id=j{secrets.token_hex(4)}&page=2 {number} ms" for number in range(280)]
    log = "\n".join(lines).encode() + b"\n"
    assert list(known.disguises.views(log)) == []
    differ = []
    for name, write in (COVERED | NOT_COVERED).items():
        disguised = write(value)
        data = log + (disguised if isinstance(disguised, bytes) else disguised.encode()) + b"\n"
        views = []
        for large in (len(log), len(data) + 1):
            monkeypatch.setattr(decoded_views, "_LARGE", large)
            views.append(list(known.disguises.views(data)))
        differ += [name] if views[0] != views[1] else []
    assert differ == []


@pytest.mark.parametrize("symbols", ["", "-_:", "-_:.+/=~", "-x"])
def test_runs_are_those_of_an_expression(symbols: str) -> None:
    rng = random.Random(symbols)
    value = "tgcanary" + "".join(rng.choice(LETTERS) for _ in range(16))
    tag, anchor, length = tag_of(KEY, value)
    known = OwnIndex(KEY, [OwnTag(tag=tag, anchor=anchor, length=length, token="t")], symbols)
    for _ in range(300):
        data = "".join(rng.choice(("-", ":", ".", " ", "\u00e9", value, value[:9], "ab1")) for _ in range(12)).encode()
        wanted, inside = [], re.escape("".join(each for each in symbols if each in "-_:.+/=~"))
        for run in re.finditer(rf"[A-Za-z0-9{inside}]{{{length},}}".encode(), data):
            wanted += [run.start() + found.start() for found in re.finditer(value.encode(), run[0])]
        assert [each.start for each in known.hits(data)] == wanted


def test_most_disguises_are_covered_and_what_is_not_is_listed() -> None:
    value = usable("letters")
    known = index(value)
    assert [name for name, write in NOT_COVERED.items() if tokens_in(known, write(value))] == []
    assert len(COVERED) >= 120
    assert len(COVERED) + len(NOT_COVERED) >= 158


def test_no_disguise_of_another_value_is_taken_for_an_own_token() -> None:
    known = index(*(usable(shape) for shape in SHAPES))
    other = usable("letters")
    assert [name for name, write in (COVERED | NOT_COVERED).items() if tokens_in(known, write(other))] == []


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


def test_nesting_for_its_own_sake_ends() -> None:
    data = secrets.token_bytes(30_000)
    for _ in range(12):
        data = base64.b64encode(data)[:200_000]
    assert list(scan_own(index(usable("letters")), data)) == []


def test_the_page_on_encodings_is_written_from_the_table() -> None:
    assert PAGE.read_text() == written(), "run `python -m docs.disguises`"
