"""The table of token formats, read from `formats.json`: every one that scans and masks know."""

import re
from functools import cache
from pathlib import Path

import msgspec

from tokenguard.token_formats.template import expression_of
from tokenguard.token_formats.token_format import TokenFormat

FORMATS: tuple[TokenFormat, ...] = msgspec.json.decode(
    Path(__file__).with_name("formats.json").read_bytes(), type=tuple[TokenFormat, ...]
)


def format_of(value: str) -> TokenFormat | None:
    """The format that a whole value has by its shape alone; None if no vendor's shape fits it."""
    return next((kind for kind in FORMATS if kind.stands_alone and _has_shape_of(kind, value)), None)


def _has_shape_of(kind: TokenFormat, value: str) -> bool:
    return any(re.fullmatch(expression_of(each), value) for each in kind.shapes)


@cache
def format_by_id(identifier: str) -> TokenFormat | None:
    """The format of that id."""
    return next((each for each in FORMATS if each.id == identifier), None)
