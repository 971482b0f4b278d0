"""Colour, on a terminal that has it and for a person who wants it."""

from collections.abc import Mapping
from typing import TextIO

_CODES = {"red": "1;31", "green": "32", "yellow": "33", "cyan": "36"}


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour what goes to `stream`; NO_COLOR and a dumb terminal say no, and so does anything but one."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "") != "dumb"


def paint(text: str, colour: str) -> str:
    """The text in a colour: red, green, yellow or cyan."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"
