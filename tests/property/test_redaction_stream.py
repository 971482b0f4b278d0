"""For any split of any text, what comes out equals redacting the whole; and the whole equals a naive reference."""

import base64
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.redaction_reference import feed_all, naive
from tokenguard.domain.secret import Secret
from tokenguard.redaction import stream as stream_module
from tokenguard.redaction.known import MaskedValue, MatchSource, Needle
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.patterns import Pattern, PatternRun
from tokenguard.redaction.stream import StreamRedactor, redact

TOY = (
    Pattern("p1", (b"ab:", PatternRun("ab", 2, 6))),
    Pattern("p2", (b"::", PatternRun("ab", 1, 4), b":", PatternRun("ab", 1, 5), b"@"), masked=3),
    Pattern("p3", (b"bbb", PatternRun("a", 0, 3), b"x")),
)
INSERTS = (
    b"\x1b[1m",
    b"\x1b[0;31m",
    b"\x1b]8;;ab:aabb\x07",
    b"\x1b",
    b"\xe2\x80\x8b",
    b"\x1b(B",
    b"\xc3\xa9",
    b"\x1b]ab",
)


def toy_needles(rng):
    base = bytes(rng.choice(b"ab") for _ in range(rng.randint(8, 16)))
    words = [base, base + bytes(rng.choice(b"ab") for _ in range(rng.randint(1, 6)))]
    for _ in range(rng.randint(0, 3)):
        cut = rng.randint(0, len(base))
        words.append((base[cut:] + bytes(rng.choice(b"abx") for _ in range(12)))[: rng.randint(8, 14)])
    before, after = rng.random() < 0.3, rng.random() < 0.3
    return [
        Needle(word, MatchSource(f"n{number}", "", "raw"), rng.random() < 0.3 and len(word) < 12, before, after)
        for number, word in enumerate(words)
    ]


def toy_text(rng, needles, inserts=()):
    out = b""
    for _ in range(rng.randint(1, 6)):
        word = rng.choice(needles).data
        begin = rng.choice((0, 0, rng.randint(0, len(word))))
        piece = word[begin : rng.choice((len(word), rng.randint(begin, len(word))))]
        out += rng.choice((piece, piece, b"x", b"ab:", b"::", b"@", b":ab", bytes([rng.choice(b"abx")])))
        if inserts and rng.random() < 0.5:
            out += rng.choice(inserts)
    return out


def split(rng, data):
    at, pieces = 0, []
    while at < len(data):
        size = rng.choice((1, 1, 2, 3, 5, 8, 13))
        pieces.append(data[at : at + size])
        at += size
    return pieces


@pytest.mark.parametrize("seed", range(4))
def test_any_split_equals_the_whole_and_the_naive_reference_in_50_000_cases_each(seed):
    rng, cases = random.Random(seed), 0
    while cases < 50_000:
        needles = toy_needles(rng)
        patterns = TOY if rng.random() < 0.5 else ()
        matcher = Matcher(needles, patterns)
        for _ in range(8):
            text = toy_text(rng, needles)
            wanted = naive(needles, patterns, text)
            for _ in range(6):
                stream = StreamRedactor(matcher)
                assert feed_all(stream, split(rng, text)) == wanted, (needles, text)
                cases += 1
            assert redact(matcher, text) == wanted


@pytest.mark.parametrize("seed", range(2))
def test_escape_sequences_make_no_difference_to_where_text_may_be_cut(seed):
    rng = random.Random(seed)
    for _ in range(1_000):
        needles = toy_needles(rng)
        matcher = Matcher(needles, TOY)
        for _ in range(4):
            text = toy_text(rng, needles, INSERTS)
            wanted = redact(matcher, text)
            for _ in range(2):
                assert feed_all(StreamRedactor(matcher), split(rng, text)) == wanted, (needles, text)


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def real_values(rng):
    """Values like those of vendors, some of which begin, end or go on as others do."""
    word = lambda size: "".join(rng.choice(LETTERS) for _ in range(size))  # noqa: E731
    values = [word(rng.randint(14, 40)) for _ in range(4)]
    values += [
        rng.choice(("sk-social-", "dx_bearer_", "ghp_", "tgcanary_")) + word(rng.randint(16, 40)) for _ in range(3)
    ]
    return [*values, values[0][-9:] + word(12), values[1] + word(rng.randint(1, 6)), word(6) + "000" + word(6)]


def dense_text(rng, values):
    """A log with a value in almost each line, and with all that keeps one from being masked where it stands."""
    out, rarely = [], rng.choice((0.02, 0.1, 0.5))
    for _ in range(rng.randint(5, 60)):
        value = rng.choice(values)
        cut = rng.randint(3, len(value))
        plain = (f"line {value}", f"k={value}&", f'"{value}"', value, f"says {value}, and {rng.choice(values)};")
        rare = (
            f"x{value}y", value[:cut], f"{values[2]}{values[3]}", f"{value}{rng.choice(values)}", f"{value[:cut]}{value}", f"{value}{value[-cut:]}",
            f"{value[:cut]}\n {value[cut:]}", base64.b64encode(f"a{value}".encode()).decode(), value.encode().hex(),
            f"Bearer {value}", f"Bearer {value}AB", f"http://u:{value}@h/", f"00000010: {value[:4].encode().hex()} ",
            rng.choice(LETTERS), "plain words",
        )  # fmt: skip
        out.append(rng.choice(rare if rng.random() < rarely else plain))
        out.append(rng.choice((" ", "", ", ", "\x1b[0m\n")) if rng.random() < rarely / 4 else "\n")
    return "".join(out).encode()


@pytest.mark.parametrize("seed", range(3))
def test_values_that_are_masked_where_they_stand_are_masked_as_by_the_closer_look(seed, monkeypatch):
    """The short way for text with many values: the same output and the same counts, and it is taken."""
    rng, taken = random.Random(seed), Counter()
    short_way = Matcher.replace_whole

    def counted(*given):
        got = short_way(*given)
        taken["nothing" if got is None else "all" if got[-1] else "a part"] += 1
        return got

    for name in ("_SPARSE", "_CROWDED"):
        monkeypatch.setattr(stream_module, name, 1 << 40)
    for _ in range(60):
        values = real_values(rng)
        known = [MaskedValue(id=f"v{n}", name=f"n{n}", secret=Secret(value)) for n, value in enumerate(values)]
        matcher = Matcher.of(known)
        for _ in range(6):
            text = dense_text(rng, values)
            pieces, at = [], 0
            while at < len(text):
                pieces.append(text[at : at + rng.choice((50, 200, 1_000, 5_000))])
                at += len(pieces[-1])
            monkeypatch.setattr(stream_module, "_CLOSER", rng.choice((8, 30, 512)))
            outputs = []
            for way in (lambda *_: None, counted):
                monkeypatch.setattr(Matcher, "replace_whole", way)
                redactor = StreamRedactor(matcher)
                outputs.append((feed_all(redactor, pieces), redactor.found))
            assert outputs[0] == outputs[1], text
    assert taken["a part"] > 100
    assert taken["all"]


@st.composite
def worlds(draw):
    letters = st.sampled_from(b"ab")
    words = draw(st.lists(st.lists(letters, min_size=8, max_size=14).map(bytes), min_size=0, max_size=4))
    shares = {"before": draw(st.booleans()), "after": draw(st.booleans())}
    needles = [
        Needle(word, MatchSource(f"n{i}", "", "raw"), head=draw(st.booleans()), **shares)
        for i, word in enumerate(words)
    ]
    fragments = [b"x", b"ab:", b"::", b"@", *words]
    pieces = draw(st.lists(st.one_of(st.sampled_from(fragments), st.binary(max_size=3)), max_size=12))
    return needles, b"".join(pieces), draw(st.lists(st.integers(0, 60), max_size=8))


@settings(max_examples=400, deadline=None)
@given(worlds())
def test_hypothesis_finds_no_split_that_differs(world):
    needles, text, cuts = world
    places = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    pieces = [text[a:b] for a, b in pairwise(places)]
    matcher = Matcher(needles, TOY)
    whole = redact(matcher, text)
    assert feed_all(StreamRedactor(matcher), pieces) == whole
    if text.isascii() and b"\x1b" not in text:
        assert whole == naive(needles, TOY, text)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_waiting_never_shows_a_whole_needle(world):
    needles, text, _ = world
    stream = StreamRedactor(Matcher(needles, ()))
    out = b""
    for byte in text:
        out += stream.feed(bytes([byte])) + stream.idle()
    out += stream.finish()
    assert not any(needle.data in out for needle in needles)
