"""The table of token formats, read from `formats.json`: every one that scans and masks know."""

import re
from functools import cache, lru_cache
from pathlib import Path

import msgspec

from tokenguard.token_formats.template import expression_of, opening, pieces
from tokenguard.token_formats.token_format import TokenFormat

FORMATS: tuple[TokenFormat, ...] = msgspec.json.decode(
    Path(__file__).with_name("formats.json").read_bytes(), type=tuple[TokenFormat, ...]
)

_PREFIX = re.compile(r"[A-Za-z0-9_.~\-]{3,}[_.~\-](?:[A-Za-z0-9]{1,6}[_.~\-]?)?|hf_|AKCp|AIza|AKIA|ASIA|dapi|LTAI|ATBB")
_LEAST_MARK, _SEPARATORS = 6, ":/&=@."
_SHARED = frozenset({"key-", "pat_", "secret_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "apk_", "ext_"})
"""Prefixes that vendors have whose tokens have other forms."""


def format_of(value: str) -> TokenFormat | None:
    """The format that a whole value has by its shape alone; None if no vendor's shape fits it."""
    shapes = ((kind, shape) for kind, start, shape in _alone(value[:1]) if value.startswith(start))
    return next((kind for kind, shape in shapes if shape.fullmatch(value)), None)


def has_prefix_only(value: str) -> bool:
    """Whether it has the mark of a vendor's tokens and the form of none of them: no vendor issued it."""
    marked = value.startswith(_prefixes()) or any(mark in value for mark in _marks())
    return marked and format_of(value) is None


@cache
def _marks() -> tuple[str, ...]:
    """Long literals inside of shapes."""
    inner = (piece for kind in FORMATS if kind.stands_alone for each in kind.shapes for piece in pieces(each)[1:])
    marks = {piece.strip(_SEPARATORS) for piece in inner if isinstance(piece, str)}
    return tuple(mark for mark in marks if len(mark) >= _LEAST_MARK)


@cache
def _prefixes() -> tuple[str, ...]:
    first = (pieces(each)[0] for kind in FORMATS if kind.stands_alone for each in kind.shapes)
    literals = (each for each in first if isinstance(each, str))
    return tuple({each for each in literals if _PREFIX.fullmatch(each) and each not in _SHARED})


@lru_cache(maxsize=128)  # the characters of ASCII, with which values begin
def _alone(first: str) -> tuple[tuple[TokenFormat, str, re.Pattern[str]], ...]:
    """The shapes that say enough by themselves and may begin with this character, each with the text it begins with."""
    return tuple(each for each in _all_alone() if each[1][:1] in {"", first})


@cache
def _all_alone() -> tuple[tuple[TokenFormat, str, re.Pattern[str]], ...]:
    kinds = ((kind, each) for kind in FORMATS if kind.stands_alone for each in kind.shapes)
    return tuple((kind, opening(each), re.compile(expression_of(each))) for kind, each in kinds)


@cache
def format_by_id(identifier: str) -> TokenFormat | None:
    """The format of that id."""
    return next((each for each in FORMATS if each.id == identifier), None)
