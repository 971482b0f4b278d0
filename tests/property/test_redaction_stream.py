"""For any split of any text, what comes out equals redacting the whole; and the whole equals a naive reference."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.redaction_reference import feed_all, naive
from tokenguard.redaction.known import MatchSource, Needle
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
