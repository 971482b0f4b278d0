"""Text as a person sees it: escape sequences and characters of no width taken out, with the way back.

A colour code in the middle of a token hides it from a search, but not from a reader.
"""

import re
from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

_STRING = rb"\x1b[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"  # titles, links and device strings
_CONTROL = rb"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]"
_SHORT = rb"\x1b[ -/]{0,8}[0-OQ-WYZ`-~\\]"  # all final bytes but those that begin one of the above
_NO_WIDTH = rb"\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf|\xc2\xad"
_INSERT = re.compile(b"|".join((_STRING, _CONTROL, _SHORT, _NO_WIDTH)))
_CUT = re.compile(
    rb"(?:\x1b(?:[\]PX^_][^\x07\x1b]{0,4096}\x1b?|\[[0-?]{0,64}[ -/]{0,8}|[ -/]{0,8})"
    rb"|\xe2[\x80\x81]?|\xef\xbb?|\xc2)\Z"
)
_LONGEST_CUT = 4_100
ESCAPE = 0x1B


class VisibleText(NamedTuple):
    """What is visible of some bytes."""

    visible: bytes
    inserts: list[tuple[int, int]]
    """Where the invisible parts are, in the bytes themselves."""
    limit: int
    """Where a part begins of which it cannot be told yet; the end if there is none."""


def is_plain(data: bytes) -> bool:
    """Whether all of it is surely visible."""
    return data.isascii() and b"\x1b" not in data


def look(data: bytes, *, final: bool) -> VisibleText:
    """Split data into what is seen and what is not. With `final`, nothing follows it."""
    limit = len(data)
    if not final and (cut := _CUT.search(data, max(0, len(data) - _LONGEST_CUT))) is not None:
        limit = cut.start()
    inserts = [found.span() for found in _INSERT.finditer(data, 0, limit)]
    if not inserts:
        return VisibleText(data[:limit], inserts, limit)
    ends = [0, *(end for _, end in inserts)]
    starts = [*(start for start, _ in inserts), limit]
    return VisibleText(b"".join(data[a:b] for a, b in zip(ends, starts, strict=True)), inserts, limit)


class OffsetMap:
    """From offsets in the visible bytes back to offsets in the bytes themselves."""

    def __init__(self, inserts: list[tuple[int, int]]) -> None:
        self._removed = [0, *accumulate(end - start for start, end in inserts)]
        self._places = [start - gone for (start, _), gone in zip(inserts, self._removed, strict=False)]

    def start(self, visible: int) -> int:
        """The offset of the visible byte at `visible`."""
        return visible + self._removed[bisect_right(self._places, visible)]

    def end(self, visible: int) -> int:
        """The offset after the visible byte that ends at `visible`."""
        return self.start(visible - 1) + 1 if visible else 0
