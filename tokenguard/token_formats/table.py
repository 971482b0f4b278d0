"""The table of token formats, read from `formats.json`: every one that scans and masks know."""

from functools import cache
from pathlib import Path

import msgspec

from tokenguard.token_formats.token_format import TokenFormat

FORMATS: tuple[TokenFormat, ...] = msgspec.json.decode(
    Path(__file__).with_name("formats.json").read_bytes(), type=tuple[TokenFormat, ...]
)


@cache
def format_by_id(identifier: str) -> TokenFormat | None:
    """The format of that id."""
    return next((each for each in FORMATS if each.id == identifier), None)
