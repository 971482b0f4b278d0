"""Base64 digits that hold bits of a value and of its neighbour: the one before it and the one after it."""

import re

from tokenguard.redaction.compact import WHITE_SPACE

_DIGITS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_BREAK = rb"(?:[ \t]{0,32}\r?\n[ \t]{0,32})"
_NEXT = re.compile(_BREAK + rb"?[A-Za-z0-9+/_-]")
_LAST = re.compile(rb"[A-Za-z0-9+/_-]" + _BREAK + rb"?\Z")
_LAST_BEGUN = re.compile(rb"[A-Za-z0-9+/_-][ \t]{0,32}(?:\r?\n?[ \t]{0,32})?\Z")
_BREAK_BEGUN = re.compile(rb"[ \t]{0,32}(?:\r?\n?[ \t]{0,32})?\Z")
_INDENTED = 70
_NEWLINE = 0x0A


def digit_before(data: bytes, at: int) -> int:
    """Where the digit before `at` is, which may be at the end of the line above; `at` if there is none."""
    if not at:
        return at
    last = data[at - 1]
    if last not in WHITE_SPACE:
        return at - 1 if last in _DIGITS else at
    if last == _NEWLINE and at > 1 and data[at - 2] not in WHITE_SPACE:  # as most lines end
        return at - 2 if data[at - 2] in _DIGITS else at
    pattern = _LAST if at < len(data) else _LAST_BEGUN
    found = pattern.search(data, max(0, at - _INDENTED), at)
    return found.start() if found else at


def digit_after(data: bytes, end: int) -> int:
    """The end of the digit behind `end`, which may be at the beginning of the line below; `end` if there is none."""
    found = _NEXT.match(data, end)
    return found.end() if found else end


def may_follow(data: bytes, end: int) -> bool:
    """Whether the data ends before it can be told if there is a digit behind `end`."""
    return _BREAK_BEGUN.match(data, end) is not None
