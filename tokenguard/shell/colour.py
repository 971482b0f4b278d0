"""Colours, if the terminal supports them and NO_COLOR is not set."""

import sys
from collections.abc import Mapping
from typing import TextIO

_CODES = {"red": "1;31", "green": "32", "yellow": "33", "cyan": "36"}


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour what goes to `stream`: a terminal that has a name and is not dumb, without NO_COLOR."""
    return stream.isatty() and not environ.get("NO_COLOR") and _terminal_has_colour(environ)


def _terminal_has_colour(environ: Mapping[str, str]) -> bool:
    """By the terminal's name; only Windows has colours without one."""
    return environ.get("TERM", "" if sys.platform == "win32" else "dumb") != "dumb"


def paint(text: str, colour: str) -> str:
    """The text in a colour: red, green, yellow or cyan."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"
