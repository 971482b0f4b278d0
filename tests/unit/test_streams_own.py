"""Values that are known by fingerprint only: recognised whole, then masked in every form."""

import base64
import secrets

import pytest

from tokenguard.detection.known_token_index import OwnIndex, OwnTag, tag_of
from tokenguard.detection.known_tokens import scan_own
from tokenguard.detection.match import TextMatch
from tokenguard.domain.encodings import base64_cores
from tokenguard.domain.secret import Secret
from tokenguard.streams.learn_values import OwnRedactor

VALUE = f"tgcanary_{secrets.token_hex(18)}"


def recognise(data):
    if VALUE.encode() in data:
        yield "0123456789abcdef", Secret(VALUE)


def test_a_value_is_masked_when_it_is_first_seen_and_in_every_form_after_that():
    stream = OwnRedactor([], recognise)
    out = stream.feed(f"first {VALUE} then {VALUE.encode().hex()} ".encode()) + stream.finish()
    assert out == b"first [tokenguard:01234567] then [tokenguard:01234567] "
    core = next(base64_cores(VALUE.encode()))
    assert stream.feed(core + b". ") == b"[tokenguard:01234567]. "


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_however_it_is_cut(size):
    text = f'before "{VALUE}", after\nand {VALUE}'.encode()
    stream = OwnRedactor([], recognise)
    out = b"".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size)) + stream.finish()
    assert out == b'before "[tokenguard:01234567]", after\nand [tokenguard:01234567]'


def test_a_word_that_never_ends_is_passed_on_in_bounded_memory():
    stream = OwnRedactor([], recognise)
    passed = sum(len(stream.feed(b"x" * 1_000)) for _ in range(1_000))
    assert stream.held <= 20_000
    assert passed + len(stream.finish()) == 1_000_000


def test_a_prompt_is_shown_while_nothing_follows():
    stream = OwnRedactor([], recognise)
    assert stream.feed(b"Your name:") + stream.idle() == b"Your name:"


def test_what_cannot_be_masked_is_not_learnt():
    stream = OwnRedactor([], lambda data: [("aa", Secret("short"))])
    assert stream.feed(b"short ") + stream.finish() == b"short "


@pytest.mark.parametrize("between", [",", " ", ";new=", '", "'])
@pytest.mark.parametrize("write", [str, lambda text: base64.b64encode(text.encode()).decode()])
def test_two_values_of_one_token_on_a_line_are_both_masked(between, write):
    """As any line of a log may hold during a rotation."""
    values = ["sk-social-" + secrets.token_hex(32) for _ in range(2)]
    key, token = secrets.token_bytes(32), "0" * 32
    drawn = [tag_of(key, each) for each in values]
    known = OwnIndex(key, [OwnTag(tag=tag, anchor=at, length=size, token=token) for tag, at, size in drawn], "-")
    stream = OwnRedactor(
        [], lambda data: [(token, each.value) for each in scan_own(known, data) if isinstance(each, TextMatch)]
    )
    out = (stream.feed(f"{write(values[0])}{between}{write(values[1])}\n".encode()) + stream.finish()).decode()
    assert out.count("[tokenguard:") == 2
    assert not any(write(each)[14:40] in out for each in values)
