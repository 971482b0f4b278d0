"""A value is found however it is wrapped, grouped or decorated, at any split, and little is held back to decide."""

import base64
import random
import shutil
import subprocess

import pytest

from docs.masked_forms import PAGE, measured, shown, table
from tests.fakes.disguises import dump
from tests.fakes.masked_forms import FORMS, REASONS, token
from tests.unit.redaction_reference import feed_all, naive
from tests.unit.test_redaction_forms import AWKWARD, masker
from tokenguard.redaction.compact import WHITE_SPACE, CompactText, compact
from tokenguard.redaction.known import MatchSource, Needle
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor, redact
from tokenguard.redaction.visible_text import look

MASK = b"[tokenguard:id0]"
GLUE = (b"\n", b"\r\n", b"\n    ", b"\n\t", b" \n")


def split(rng, data, sizes=(1, 2, 3, 7, 16, 61, 400)):
    at, pieces = 0, []
    while at < len(data):
        size = rng.choice(sizes)
        pieces.append(data[at : at + size])
        at += size
    return pieces


def test_the_table_in_the_guide_is_what_is_measured():
    assert shown(PAGE.read_text()) == table(), "run `python -m docs.masked_forms`"


def test_what_is_not_found_has_a_reason_and_nothing_else_has():
    reasoned = {name for names in REASONS.values() for name in names}
    assert reasoned == {name for name, result in measured().items() if result == "not found"}


@pytest.mark.parametrize("name", [name for name, result in measured().items() if result == "masked"])
def test_a_masked_form_is_the_same_at_any_split(name):
    rng = random.Random(name)
    value = token(5)
    written = FORMS[name](value)
    data = written if isinstance(written, bytes) else written.encode()
    matcher = masker(value)
    for _ in range(4):
        assert feed_all(StreamRedactor(matcher), split(rng, data)) == redact(matcher, data)


ENCODED = {
    "base64": lambda data: base64.b64encode(b"some text before " + data + b" and after it"),
    "base64 url-safe": lambda data: base64.urlsafe_b64encode(b"\xff\xfe\xfd" + data + b"\xff\xfe"),
    "hex": lambda data: (b"before " + data + b" after").hex().encode(),
    "plain": lambda data: b"key=" + data + b";",
}


@pytest.mark.parametrize("value", [token(6), AWKWARD], ids=["plain", "awkward"])
@pytest.mark.parametrize("encode", ENCODED)
def test_a_value_wrapped_at_any_width_is_masked_whole_at_any_split(encode, value):
    rng = random.Random(3)
    matcher, text = masker(value), ENCODED[encode](value.encode())
    start, _, end = redact(matcher, text).partition(MASK)
    for width in (*range(1, 20), *range(20, 101, 7), 64, 76):
        for glue in rng.sample(GLUE, 2):
            wrapped = glue.join(text[at : at + width] for at in range(0, len(text), width))
            out = feed_all(StreamRedactor(matcher), split(rng, wrapped))
            left = compact(out)
            assert left == start + MASK + end, (width, glue)
            assert out.count(b"\n") == wrapped.count(b"\n")


@pytest.mark.parametrize("before", range(0, 40, 3))
def test_a_dump_is_masked_in_both_columns_whatever_the_offset(before):
    """What is left is the same for every value, and whole rows are as they were."""
    outputs = set()
    for seed in range(3):
        value = token(seed)
        data = f"text\n{dump('x' * before + value + 'y' * 70)}end\n".encode()
        out = redact(masker(value), data)
        rng = random.Random(seed)
        assert feed_all(StreamRedactor(masker(value)), split(rng, data)) == out
        assert out.count(b"\n") == data.count(b"\n")
        assert out.endswith(data[data.rindex(b"yyyyyyyy") :])
        outputs.add(out)
    assert len(outputs) == 1


@pytest.mark.parametrize(
    "command", [["base64"], ["base64", "-w", "19"], ["openssl", "base64"], ["xxd", "-p"], ["xxd"], ["xxd", "-c", "20"], ["xxd", "-g", "1"]],
    ids=" ".join,
)  # fmt: skip
def test_what_a_program_writes_is_masked(command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"NOT TESTED: there is no {command[0]}")
    outputs = set()
    for seed in range(3):
        plain = f"machine example.net\nlogin user\npassword {token(seed)}\nand more, for two lines\n".encode()
        written = subprocess.run(command, input=plain, capture_output=True, check=True).stdout
        outputs.add(redact(masker(token(seed)), written))
    (out,) = outputs
    assert MASK in out


def toy(rng):
    word = bytes(rng.choice(b"ab") for _ in range(rng.randint(8, 14)))
    other = word[rng.randint(1, 7) :] + bytes(rng.choice(b"abx") for _ in range(9))
    return [Needle(data, MatchSource(f"n{at}", "", "raw"), rng.random() < 0.3) for at, data in enumerate((word, other))]


@pytest.mark.parametrize("seed", range(2))
def test_white_space_makes_no_difference_to_a_naive_reference_in_1_000_cases_each(seed):
    rng = random.Random(seed)
    for _ in range(250):
        needles = toy(rng)
        matcher = Matcher(needles, ())
        text = b"".join(rng.choice((needles[0].data, needles[1].data[:9], b"x", b"ab", b"bba")) for _ in range(5))
        spaced = b"".join(bytes([byte]) + rng.choice((b"", b"", b"", b"\n", b" ", b"\r\n\t")) for byte in text)
        whole = redact(matcher, spaced)
        for _ in range(4):
            assert feed_all(StreamRedactor(matcher), split(rng, spaced, (1, 2, 3, 5))) == whole
        wanted = naive(needles, (), text)
        for _ in range(len(spaced)):  # masks that touch are one where no white space is between them
            wanted = wanted.replace(b"][", b"]")
        assert _joined(compact(whole)) == _joined(wanted)


def _joined(data):
    """Only what is left between masks: where values meet at white space, there is one mask for each."""
    return [
        piece
        for piece in data.replace(b"[tokenguard:n0]", b"\0").replace(b"[tokenguard:n1]", b"\0").split(b"\0")
        if piece
    ]


def test_the_way_back_is_right_from_everywhere():
    rng = random.Random(4)
    for _ in range(300):
        data = bytes(rng.choice(b"abcdef \n\t") for _ in range(rng.randint(1, 80)))
        view = CompactText(data)
        places = [at for at, byte in enumerate(data) if byte not in WHITE_SPACE]
        for offset in rng.choices(range(len(view.text) + 1), k=40):
            assert view.start(offset) == [*places, len(data)][offset]
            assert view.end(offset) == (places[offset - 1] + 1 if offset else 0)


@pytest.mark.parametrize("filler", [b" ", b"\n", b"\x1b[1m", "\u200b".encode()])
def test_little_is_held_back_however_long_nothing_but_white_space_follows(filler):
    value = token(7)
    matcher = masker(value)
    stream = StreamRedactor(matcher)
    stream.feed(value[:20].encode())
    for _ in range(20):
        stream.feed(filler * 500)
        assert stream.held <= matcher.longest_hold * (1 if filler.isspace() else 8)
    assert matcher.longest_hold < 2_500
    if filler.isspace():
        assert stream.held < 10


def test_a_value_that_is_spread_too_far_is_left_alone_at_any_split():
    value = token(8)
    matcher = masker(value)
    wide = (b" " * (matcher.longest_hold // 5)).join(bytes([byte]) for byte in value.encode())
    assert redact(matcher, wide) == wide
    assert feed_all(StreamRedactor(matcher), split(random.Random(1), wide)) == wide


def test_letters_of_other_forms_and_marks_of_no_width_are_read_as_plain_ones():
    for written, plain in {
        "\uff54\uff47": b"tg", "\ufb01": b"fi", "\u2163": b"IV", "\U0001d4cd": b"x", "t\ufe0fg": b"tg", "\u2026": b"...", "\u00e9": "\u00e9".encode(),
        "\u4e2d\u3000": "\u4e2d".encode(), "\u20ac": "\u20ac".encode(), "\u3392": b"MHz", "\ufdfa": "\ufdfa".encode(),
    }.items():  # fmt: skip
        assert look(written.encode(), final=True).visible == plain
