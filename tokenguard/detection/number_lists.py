"""Bytes that are written as numbers: hex dumps, hex with separators, arrays of numbers, base32."""

import base64
import binascii
import re
from collections.abc import Iterator

from tokenguard.detection.decoded_view import DecodedView, view_of
from tokenguard.detection.regex_set import regex

_BEFORE = r"(?:0[xX]|\x5cx|\x5c[ \t]*\r?\n[ \t]*|&H|%|\$|\x23|[xX][\x22'])"
_BETWEEN = r"[ \t,:;.|_\x22'\x2d]"
_HEX_SEPARATOR = rf"(?:{_BETWEEN}|\x5c?\r?\n|\x5c[rn])+(?:0[xX]|\x5cx|&H|\$|[xX])?"
_CALL = r"(?:\(?(?:chr|CHR|Chr|ChrW|char|CHAR|byte)\)?[ ]?\(?|\[(?:char|byte)\])?"
_NUMBER = rf"{_CALL}(?:0x[0-9A-Fa-f]{{2}}|0o?1[0-7]{{2}}|0b[01]{{7,8}}|[0-9]{{2,3}})\)?"
_NUMBER_SEPARATOR = r"(?:[ \t,;+.&|\x5c]|\x5c?\r?\n|\x5c[rn]){1,40}"
_NUMBERS = re.compile(rb"0x([0-9A-Fa-f]{2})|0o?(1[0-7]{2})|0b([01]{7,8})|([0-9]{2,3})")
_SIGN = (
    r"(?:\)?[ \t,;+.&|\r\n]+(?:[cC][hH][rR]W?\(|(?:CHAR|char|byte)[ (]{1,2}|\[(?:char|byte)\])?"
    r"|\x5c0?)"  # a zero before the digits only here: anywhere, it makes the automaton much larger
)
_DECIMAL = r"(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])"
"""A visible character."""
_HEX_SIGN = r"(?:[ \t:,\x22'\x2d\x5c\r\n]+(?:0?x)?)"
"""What stands between two numbers of most lists."""
_BASES = (16, 8, 2, 10)
_PAIR = re.compile(rb"0[xX](?=[0-9A-Fa-f]{2})|[^0-9A-Fa-f]|(?<=\\)n")
_DUMP_LINE = (
    r"[ \t]{0,8}(?:0x)?[0-9A-Fa-f]{4,16}:?[ \t]{1,4}(?:[0-9A-Fa-f]{2}[ \t\x2d]{0,2}){1,64}[^\r\n]{0,80}(?:\r?\n|$)"
)
DUMP_ROW = r"^[ \t]{0,8}(?:0x)?[0-9A-Fa-f]{3,15}0[:\t ][ \t]{1,4}(?:[2-7][0-9A-Fa-f][ \t\x2d]{0,2}){12}"
"""A row of a dump of text, with its address."""
_COLUMNS = re.compile(
    rb"^[ \t]*(?:0x)?[0-9A-Fa-f]{4,16}:?[ \t]{1,4}((?:[0-9A-Fa-f]{2}[ \t-]{0,2}){1,64})", re.MULTILINE
)
_ROW = 32
"""Hex digits of a row of sixteen bytes."""
_LEFT_OVER = (0, 1, 0, 1, 0, 0, 1, 0)
"""Digits of a last group of base32 that say nothing, by its length."""
_MOST = 256
_LEAST = 8
"""Numbers of a list: fewer are not a token."""


def as_numbers(text: str) -> tuple[str, str]:
    """Expressions of RE2 for these ASCII characters in a list of numbers: decimal ones, and pairs of hex digits."""
    return _SIGN.join(str(ord(each)) for each in text), f"(?i:{_HEX_SIGN.join(f'{ord(each):02x}' for each in text)})"


def more_numbers(count: int) -> tuple[str, str]:
    """The same for so many visible characters behind others."""
    return rf"(?:{_SIGN}{_DECIMAL}){{{count}}}", rf"(?:{_HEX_SIGN}[2-7][0-9A-Fa-f]){{{count}}}"


class NumberLists:
    """The expressions for tokens of at least `shortest` bytes, compiled once."""

    def __init__(self, shortest: int) -> None:
        more = f"{{{_LEAST},}}"
        self.lists = (
            rf"[0-9A-Fa-f]{{2}}(?:{_HEX_SEPARATOR}[0-9A-Fa-f]{{2}}){more}",
            rf"(?:[0-9A-Fa-f]{{4,128}}{_HEX_SEPARATOR}){{2,}}[0-9A-Fa-f]{{2,128}}",
            rf"(?:{_NUMBER}{_NUMBER_SEPARATOR}){more}{_NUMBER}",
            rf"(?:{_DUMP_LINE}){{2,}}",
        )
        """Of these, one at least is in data that holds a list."""
        self._separated, self._groups, self._numbers, self._dump = map(regex, self.lists)
        self.base32 = rf"[A-Z2-7]{{{shortest * 8 // 5},}}"
        self._base32 = regex(self.base32)

    def views(self, data: bytes) -> Iterator[DecodedView]:
        """Every list of numbers as the bytes that it may stand for."""
        for found in self._separated.finditer(data):
            yield from _from_hex(found, _PAIR.sub(b"", found.group()), "separated hex")
        for found in self._groups.finditer(data):
            yield from _from_hex(found, _PAIR.sub(b"", found.group()), "separated hex")
        for found in self._numbers.finditer(data):
            yield view_of(found, bytes(_values(found.group())), "numbers")
        for found in self._dump.finditer(data):
            for digits in _columns(found.group()):
                yield from _from_hex(found, digits, "hex dump")

    def base32_views(self, data: bytes) -> Iterator[DecodedView]:
        """Every run of base32 as the bytes that it may stand for."""
        for found in self._base32.finditer(data):
            yield from _from_base32(found, found.group())


def _from_hex(found: object, digits: bytes, how: str) -> Iterator[DecodedView]:
    yield view_of(found, binascii.a2b_hex(digits[: len(digits) - len(digits) % 2]), how)


def _values(text: bytes) -> Iterator[int]:
    for found in _NUMBERS.finditer(text):
        index = (found.lastindex or 1) - 1
        value = int(found.group(index + 1), _BASES[index])
        if value < _MOST:
            yield value


def _columns(dump: bytes) -> tuple[bytes, bytes]:
    """The bytes of a dump: rows of sixteen bytes with any text after them, and rows that end before two spaces."""
    rows = _COLUMNS.findall(dump)
    narrow = b"".join(re.sub(rb"[^0-9A-Fa-f]", b"", row)[:_ROW] for row in rows)
    wide = b"".join(re.sub(rb"[^0-9A-Fa-f]", b"", re.split(rb"[ \t]{2}", row)[0]) for row in rows)
    return narrow, wide


def _from_base32(found: object, text: bytes) -> Iterator[DecodedView]:
    """Every way to cut the run into groups of eight: what stands before it may belong to it or not."""
    for offset in range(8):
        part = text[offset:]
        part = part[: len(part) - _LEFT_OVER[len(part) % 8]]
        yield view_of(found, base64.b32decode(part + b"=" * (-len(part) % 8)), "base32")
