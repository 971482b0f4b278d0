"""How far the writing of a token may reach beyond a change: over which lines, in a file of which one part is new.

A writing goes on over a line only if all of the line can be part of one: bare base64, hex, numbers, pieces of literals,
comments between them, sizes of chunks. Any other line may hold the beginning or the end of a writing, and ends it.
"""

import re

_NUMBERS = rb"(?:[0-9A-Fa-fxXo \t,;:+.&|\\()\[\]{}\r-]|[Cc]hrW?|CHR|[Cc]har|CHAR|byte)*"
_GOES_ON = re.compile(
    rb"""[\w.~:+/=%\\\-`&| \t\r>#*\x1b\x80-\xff]*\Z|[ \t;)\]},(\[{]*\Z|[ \t]*(?:\#|//|--|/\*)|[^\n]*["'`]"""
    rb"""|[0-9A-Fa-f]{1,8};[^\n]{0,80}\Z"""
    rb"""|[ \t]*[0-9A-Fa-f]{4,16}:?[ \t]{1,4}[0-9A-Fa-f]{2}|""" + _NUMBERS + rb"""\Z""",
    re.ASCII,
)
_NAMED_VALUE = re.compile(rb"""[ \t]*"[\w.@/ -]*"[ \t]*:[ \t]""")
_LONG = 4096
"""Bytes of a line that are not looked at more closely."""


def surrounding_lines(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The changed part from `start` to `end` with all lines that a writing which it touches could be on."""
    begin = data.rfind(b"\n", 0, start) + 1
    while begin > 0:
        line = data.rfind(b"\n", 0, begin - 1) + 1
        ended = not _goes_on(data, line, begin - 1)
        begin = line
        if ended:
            break
    last = _line_end(data, end)
    while last < len(data):
        line, last = last + 1, _line_end(data, last + 1)
        if not _goes_on(data, line, last):
            break
    return begin, last


def _line_end(data: bytes, at: int) -> int:
    found = data.find(b"\n", at)
    return len(data) if found < 0 else found


def _goes_on(data: bytes, start: int, end: int) -> bool:
    if end - start > _LONG:
        return True
    line = data[start:end]
    return _NAMED_VALUE.match(line) is None and _GOES_ON.match(line) is not None
