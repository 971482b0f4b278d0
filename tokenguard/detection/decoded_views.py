"""Undoes the ways in which a token gets written other than as it is: each view is bytes with the place they came from.

The work grows with the bytes: RE2 looks for what could be a writing, and only a reading that could hold a token, or
another writing of one, is passed on. `own.py` limits how deep views of views go.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Any

from tokenguard.detection.regex_set import Regex, regex
from tokenguard.frozen import Frozen

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_CHARACTER = r"[A-Za-z0-9_.~:+/=%\x5c\x2d]"
_JOINT = r"[\x22'`][ \t]*[+.&|]*\x5c?[ \t]*(?:\r?\n[ \t]*)?[+.&|]*[ \t]*[fFrRbBuU]{0,2}[\x22'`]"
_LINE_END = r"[\x22']?[ \t]*\x5c?\r?\n[ \t>#*\x22']*"
WRITING = bytes(char for char in range(128) if chr(char).isalnum()) + b"_.~:+/=%\\-\"'`&| \t\r\n>#*"
"""The characters of an encoded token in any supported encoding; any other byte ends it."""
_ZEROS = r"\x00", r"\x00\x00\x00"
_ESCAPE = re.compile(rb"\\u00([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|\\U000000([0-9A-Fa-f]{2})|\\([/_-])")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


class DecodedView(Frozen, frozen=True):
    """Bytes that were written differently."""

    start: int
    end: int
    """Where in the source the writing stands."""
    data: bytes
    how: str


def _view(found: Any, data: bytes, how: str) -> DecodedView:
    start, end = found.span()
    return DecodedView(start, end, data, how)


class Disguises:
    """The expressions for tokens of at least `shortest` bytes, compiled once."""

    def __init__(self, shortest: int) -> None:
        self._base64 = regex(rf"[A-Za-z0-9+/_\x2d]{{{shortest * 4 // 3},}}")
        self._wrapped = regex(rf"(?:[A-Za-z0-9+/]{{19}}[A-Za-z0-9+/]+={{0,2}}{_LINE_END})+[A-Za-z0-9+/]{{2,}}")
        self._hex = regex(rf"[0-9A-Fa-f]{{{shortest * 2},}}")
        self._written = regex(rf"{_CHARACTER}{{{shortest},}}")
        self._joined = regex(rf"(?:{_CHARACTER}+{_JOINT})+{_CHARACTER}+")
        self._wide = regex(
            "|".join(rf"(?:{zeros}[\x20-\x7e]){{8,}}|(?:[\x20-\x7e]{zeros}){{8,}}[\x20-\x7e]?" for zeros in _ZEROS)
        )
        self._promising = regex(rf"[\x21-\x7e]{{{shortest},}}|(?:[\x20-\x7e]\x00){{8}}")
        self._line_end, self._joint = re.compile(_LINE_END.encode()), re.compile(_JOINT.encode())
        self._shortest = shortest

    def views(self, data: bytes) -> Iterator[DecodedView]:
        """Every reading of a part of `data` that could hold a token or another writing of one."""
        yield from self._base64_views(data)
        yield from self._hex_views(data)
        if _PERCENT.search(data):
            yield from _replaced(data, self._written, _PERCENT, "percent")
        if b"\\" in data and _ESCAPE.search(data):
            yield from _replaced(data, self._written, _ESCAPE, "escapes")
        if b"\x00" in data:
            for wide in self._wide.finditer(data):
                text = wide.group()
                how = "utf-32" if b"\x00\x00" in text else "utf-16"
                yield _view(wide, text.replace(b"\x00", b""), how)
        yield from self._joined_views(data)

    def _base64_views(self, data: bytes) -> Iterator[DecodedView]:
        for run in self._base64.finditer(data):
            yield from self._base64_of(run, run.group())
        for block in self._wrapped.finditer(data):
            yield from self._base64_of(block, self._line_end.sub(b"", block.group()))

    def _base64_of(self, found: Any, run: bytes) -> Iterator[DecodedView]:
        """All four ways to cut the run into groups of four: what stands before it may belong to it or not."""
        plain = run.replace(b"=", b"").translate(_URL_SAFE)
        for offset in range(4):
            part = plain[offset:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            read = binascii.a2b_base64(part + b"=" * (-len(part) % 4))
            if self._promising.search(read):
                yield _view(found, read, "base64")

    def _hex_views(self, data: bytes) -> Iterator[DecodedView]:
        for run in self._hex.finditer(data):
            digits = run.group()
            for offset in range(2):
                read = binascii.a2b_hex(digits[offset : len(digits) - (len(digits) - offset) % 2])
                if self._promising.search(read):
                    yield _view(run, read, "hex")

    def _joined_views(self, data: bytes) -> Iterator[DecodedView]:
        """String literals that are written one after another, as if they were one."""
        for chain in self._joined.finditer(data):
            read = self._joint.sub(b"", chain.group())
            if len(read) >= self._shortest:
                yield _view(chain, read, "joined literals")


def _replaced(data: bytes, runs: Regex, escape: re.Pattern[bytes], how: str) -> Iterator[DecodedView]:
    for run in runs.finditer(data):
        text = run.group()
        plain = escape.sub(_character, text)
        if plain != text:
            yield _view(run, plain, how)


def _character(found: re.Match[bytes]) -> bytes:
    digits = next(group for group in found.groups() if group is not None)
    return bytes([int(digits, 16)]) if len(digits) == 2 else digits  # noqa: PLR2004 - one hex byte, or a character
