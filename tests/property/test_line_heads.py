"""A line is looked at before its message only, and times of one kind are looked at once: no value is missed for that."""

import random
import re

import pytest

from tests.unit.masking_world import leaks  # noqa: F401 - a fixture
from tokenguard.masking import current
from tokenguard.redaction import line_heads
from tokenguard.redaction.compact import compact

LETTERS = "abcdefXYZ0123456789:-,."
KINDS = (
    "2026-11-{d}{d} {d}{d}:{d}{d}:{d}{d},{d}{d}{d} app.jobs INFO ",
    "{d}{d}{d}{d}{d}{d}{d}{d}{d}{d}.{d}{d} [app] ",
    "{d}{d}:{d}{d}:{d}{d} app-{d}{d}-{d}{d}-{d}{d}-{d}{d} ",
    "<{d}{d}>app: ",
)


def text(rng, size):
    return "".join(rng.choice(LETTERS) for _ in range(size))


def line(rng, kind):
    head = re.sub(r"\{d\}", lambda _: rng.choice("0123456789"), kind)
    return head, f"{text(rng, rng.randint(1, 5))} {text(rng, rng.randint(0, 40))}"


@pytest.mark.parametrize("seed", range(3))
def test_a_value_that_begins_before_the_message_is_found_whatever_was_logged_before(seed, leaks):  # noqa: F811
    rng, found = random.Random(seed), 0
    for _ in range(60):
        kind = rng.choice(KINDS)
        head, message = line(rng, kind)
        whole = compact((head + message).encode()).decode()
        start = rng.randrange(len(compact(head.encode())))
        value = whole[start : start + rng.randint(12, 24)]
        if len(value) < 12 or len(set(value)) < 3:
            continue
        current.unmask("value")
        current.mask(value, "value")
        lines = [line(rng, kind) for _ in range(5)]
        for before, said in [*lines, (head, message), *lines, (head, message)]:
            assert current.is_clean_message(said, ("app",)) == current.is_clean(said)
            assert current.is_clean_line(before + said) == current.is_clean(before + said), (value, before, said)
        assert not current.is_clean(head + message)
        found += 1
    assert found > 40


def test_lines_of_one_kind_are_not_searched_again(leaks, monkeypatch):  # noqa: F811
    current.mask("tgcanary_4f1x9q8z7w", "value")
    rng = random.Random(1)
    for _ in range(3):
        head, message = line(rng, KINDS[0])
        message = f"GET /{message}"
        assert current.is_clean_message(message, ("app",))
        assert current.is_clean_line(head + message)
    engine = type(current.matcher())
    monkeypatch.setattr(engine, "is_clean", lambda *_: pytest.fail("it was searched"))
    assert current.is_clean_line(f"2026-11-29 21:38:14,123 app.jobs INFO {message}")


def test_more_kinds_of_lines_than_are_remembered_are_searched_each(leaks):  # noqa: F811
    current.mask("app-1234 INFO GET /tgcanary", "value")
    for number in range(line_heads._MOST + 10):
        letters = "".join(chr(ord("a") + int(digit)) for digit in f"{number:04}")
        assert current.is_clean_message("GET /index", ("app",))
        assert current.is_clean_line(f"{letters} INFO GET /index")
    assert current.is_clean_message("GET /tgcanary", ("app",))
    assert not current.is_clean_line("app-1234 INFO GET /tgcanary")
    assert len(current.matcher().heads._kinds) == line_heads._MOST
