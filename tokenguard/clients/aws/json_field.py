"""Finds and replaces one top-level field in the text of a JSON object; every other byte stays unchanged."""

import json
from typing import NamedTuple, NoReturn

from tokenguard.errors import InputError

_BLANK = " \t\n\r"


class Span(NamedTuple):
    """A field's value and its position in the text."""

    start: int
    end: int
    value: object


def fields(text: str) -> dict[str, Span]:
    """The top-level fields of a JSON object, in their order.

    Raises:
        InputError: the text is not one JSON object, or names a field twice; nothing of it is shown.
    """
    found: dict[str, Span] = {}
    try:
        at = _behind(text, 0, "{")
        while text[at] != "}":
            if text[at] != '"':
                _refuse()
            name, at = _DECODER.raw_decode(text, at)
            start = _behind(text, at, ":")
            value, end = _DECODER.raw_decode(text, start)
            if name in found:
                _refuse()
            found[name] = Span(start, end, value)
            at = _skip(text, end)
            if text[at] != "}":
                at = _behind(text, at, ",")
                if text[at] == "}":
                    _refuse()
    except (ValueError, IndexError, RecursionError):
        _refuse()
    if text[at + 1 :].strip(_BLANK):
        _refuse()
    return found


def replaced(text: str, field: str, value: str) -> str:
    """Return the text with `field` set to another string; KeyError if there is no such field."""
    span = fields(text)[field]
    return text[: span.start] + json.dumps(value) + text[span.end :]


def _constant(_name: str) -> NoReturn:
    _refuse()


def _number(_digits: str) -> int:
    """Skip a number without converting it: it may have any length."""
    return 0


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_int=_number, parse_float=_number)


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at


def _behind(text: str, at: int, mark: str) -> int:
    """Return the start of the next token after a required delimiter."""
    at = _skip(text, at)
    if text[at] != mark:
        _refuse()
    return _skip(text, at + 1)


def _refuse() -> NoReturn:
    raise InputError(
        "the secret is not one JSON object with each field once",
        hint="name the secret without #FIELD to adopt its whole text",
    ) from None
