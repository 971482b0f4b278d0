"""Text as a person reads it: without escape sequences and characters of no width, in plain letters, with the way back.

A colour code in the middle of a token hides it from a search, but not from a reader; nor do full-width letters.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

_STRING = rb"\x1b[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"  # titles, links and device strings
_CONTROL = rb"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]"
_SHORT = rb"\x1b[ -/]{0,8}[0-OQ-WYZ`-~\\]"  # all final bytes but those that begin one of the above
_NO_WIDTH = (  # Default_Ignorable_Code_Point of Unicode 17, without what is not assigned
    rb"\xc2\xad|\xcd\x8f|\xd8\x9c|\xe1\x85[\x9f\xa0]|\xe1\x9e[\xb4\xb5]|\xe1\xa0[\x8b-\x8f]"
    rb"|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xe3\x85\xa4|\xef\xb8[\x80-\x8f]|\xef\xbb\xbf|\xef\xbe\xa0"
    rb"|\xef\xbf[\xb0-\xb8]|\xf0\x9b\xb2[\xa0-\xa3]|\xf0\x9d\x85[\xb3-\xba]|\xf3\xa0[\x80-\xbf][\x80-\xbf]"
)
_SPACES = rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80"
_LETTERS = (  # where Unicode has other forms of ASCII characters
    rb"\xc2[\xaa\xb2\xb3\xb9\xba]|\xc5\xbf|\xca[\xb0-\xb8]|\xcb[\xa1-\xa3]|\xe1[\xb4-\xb6][\x80-\xbf]"
    rb"|\xe2[\x80-\x82\x84-\x86\x91-\x93\xb1][\x80-\xbf]|\xe3[\x89\x8b-\x8f][\x80-\xbf]|\xef[\xac\xb8\xb9\xbc\xbd][\x80-\xbf]"
    rb"|\xf0\x9d[\x90-\x9f][\x80-\xbf]|\xf0\x9f[\x84\x85\xaf][\x80-\xbf]"
)
_INSERT = re.compile(b"|".join((_STRING, _CONTROL, _SHORT, _NO_WIDTH, _SPACES)) + b"|(" + _LETTERS + b")")
_CUT = re.compile(
    rb"(?:\x1b(?:[\]PX^_][^\x07\x1b]{0,4096}\x1b?|\[[0-?]{0,64}[ -/]{0,8}|[ -/]{0,8})"
    rb"|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)
_LONGEST_CUT = 4_100
ESCAPE = 0x1B


class VisibleText(NamedTuple):
    """What is visible of some bytes."""

    visible: bytes
    inserts: list[tuple[int, int]]
    """Where the bytes are that have no counterpart in what is visible."""
    letters: list[tuple[int, int]]
    """Where characters are that are read as others; they are masked and cut as a whole."""
    limit: int
    """Where a part begins of which it cannot be told yet; the end if there is none."""


def is_plain(data: bytes) -> bool:
    """Whether all of it is surely visible as it stands."""
    return data.isascii() and ESCAPE not in data


@cache
def _plain(letters: bytes) -> bytes:
    """The ASCII text that a character stands for, or itself."""
    text = unicodedata.normalize("NFKC", letters.decode("utf-8", "replace"))
    return text.encode() if text.isascii() and len(text) <= len(letters) else letters


def look(data: bytes, *, final: bool) -> VisibleText:
    """Split data into what is read and what is not. With `final`, nothing follows it."""
    limit = len(data)
    if not final and (cut := _CUT.search(data, max(0, len(data) - _LONGEST_CUT))) is not None:
        limit = cut.start()
    inserts: list[tuple[int, int]] = []
    letters: list[tuple[int, int]] = []
    pieces: list[bytes] = []
    cursor = 0
    for found in _INSERT.finditer(data, 0, limit):
        start, end = found.span()
        pieces.append(data[cursor:start])
        cursor = start
        if (letter := found[1]) is None:
            inserts.append((start, end))
        elif (plain := _plain(letter)) != letter:
            pieces.append(plain)
            letters.append((start, end))
            inserts += [(start, end - len(plain))] if len(plain) < len(letter) else []
        else:
            continue
        cursor = end
    pieces.append(data[cursor:limit])
    return VisibleText(b"".join(pieces), inserts, letters, limit)


class OffsetMap:
    """From offsets in the visible bytes back to offsets in the bytes themselves."""

    def __init__(self, inserts: list[tuple[int, int]], letters: Sequence[tuple[int, int]] = ()) -> None:
        self._letters = letters
        self._letter_starts = [start for start, _ in letters]
        self._removed = [0, *accumulate(end - start for start, end in inserts)]
        self._places = [start - gone for (start, _), gone in zip(inserts, self._removed, strict=False)]

    def start(self, visible: int) -> int:
        """The offset of the visible byte at `visible`."""
        at = visible + self._removed[bisect_right(self._places, visible)]
        letter = self._letter(at)
        return letter[0] if letter else at

    def end(self, visible: int) -> int:
        """The offset after the visible byte that ends at `visible`."""
        if not visible:
            return 0
        at = visible - 1 + self._removed[bisect_right(self._places, visible - 1)]
        letter = self._letter(at)
        return letter[1] if letter else at + 1

    def _letter(self, at: int) -> tuple[int, int] | None:
        """The character around a byte that is read as another one."""
        number = bisect_right(self._letter_starts, at) - 1
        return self._letters[number] if number >= 0 and at < self._letters[number][1] else None
