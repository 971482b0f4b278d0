"""P5: the only types that hold a value give it to nothing but `reveal()`."""

import copy
import json
import logging
import pickle

import msgspec
import pytest

from tokenguard.domain.secret import MASK, Secret, Value

TEXT = "tgcanary-held-0123456789"
HELD = {"secret": Secret(TEXT), "value": Value.of(TEXT), "pair": Value({"id": Secret(TEXT), "secret": Secret(TEXT)})}
SPOKEN = {
    "repr": repr,
    "str": str,
    "format": lambda held: f"{held} {held!s} {held!r}",
    "percent": lambda held: "%s %r" % (held, held),  # noqa: UP031 - as logging does it
    "in a list": lambda held: repr([held]),
    "in an exception": lambda held: repr(ValueError(held)),
    "in a record": lambda held: logging.LogRecord("x", 20, "f", 1, "%s", (held,), None).getMessage(),
    "its attributes": lambda held: repr(getattr(held, "__dict__", {})),
}
REFUSED = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "msgspec": msgspec.json.encode,
    "hash": hash,
    "bytes": bytes,
}


@pytest.mark.parametrize("speak", SPOKEN.values(), ids=SPOKEN)
@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
def test_a_value_is_in_no_text_that_python_makes_of_it(held, speak):
    assert TEXT not in speak(held)


@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
def test_a_value_cannot_be_copied_or_encoded(held, use):
    with pytest.raises(TypeError) as caught:
        use(held)
    assert TEXT not in str(caught.value)


def test_a_value_is_revealed_when_it_is_asked_for():
    assert Secret(TEXT).reveal() == Value.of(TEXT).token.reveal() == TEXT
    assert str(Secret(TEXT)) == MASK


def test_equal_values_are_equal_and_others_are_not():
    assert Secret(TEXT) == Secret(TEXT) != Secret(f"{TEXT}x")
    assert Value.of(TEXT) == Value.of(TEXT) != Value({"other": Secret(TEXT)})
