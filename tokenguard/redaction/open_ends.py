"""Tells where the end of some data may be the beginning of what is looked for, which the next data would complete."""

from collections.abc import Iterable

from tokenguard.redaction.compact import WHITE_SPACE, CompactText, compact
from tokenguard.redaction.index import ANCHOR, REACH

_SPACES = frozenset(WHITE_SPACE)
_TAIL = 4
"""Bytes at the end that say enough of most data: three, and the line break that may follow them."""
_UNKNOWN = -1
_REMEMBERED = 4_096


class OpenEnds:
    """The beginnings of anchors.

    Args:
        needles: the anchors of needles, which may be wrapped.
        formats: those of formats, which are not.
        most: bytes that are waited for; what is written over more of them is none.
    """

    __slots__ = ("_backs", "_formats", "_long", "_most", "_needles")

    def __init__(self, needles: Iterable[bytes], formats: Iterable[bytes], most: int) -> None:
        self._needles = _beginnings(needles)
        self._formats = _beginnings(formats)
        self._long = frozenset(each[-3:] for each in self._needles | self._formats if len(each) > 2)  # noqa: PLR2004
        self._most = most
        self._backs: dict[bytes, int | None] = {}

    def start(self, data: bytes) -> int:
        """Where such an end begins; the end of the data if there is none."""
        tail = data[-_TAIL:]
        back = self._backs.get(tail, _UNKNOWN)
        if back == _UNKNOWN:
            back = self._back_by(tail)
            if len(self._backs) < _REMEMBERED:
                self._backs[tail] = back
        if back is not None:
            return len(data) - back
        end = _end_of(data)
        for tail in (end[-4:], end[-3:], end[-2:], end[-1:]):
            if tail in self._needles or (tail in self._formats and data.endswith(tail)):
                start = _start_of(tail, data)
                if len(data) - start < self._most:
                    return start
        return len(data)

    def _back_by(self, tail: bytes) -> int | None:
        """How many bytes before the end of data that ends so such an end begins; None if more of it has to be seen."""
        solid = tail.removesuffix(b"\n")  # as most lines end
        end = solid[-3:]
        if len(end) < len(b"abc") or end in self._long or not _SPACES.isdisjoint(end):
            return None
        breaks = len(tail) - len(solid)
        for begun in (end[-2:], end[-1:]):
            back = len(begun) + breaks
            if back < self._most and (begun in self._needles or (begun in self._formats and not breaks)):
                return back
        return 0


def _beginnings(anchors: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(each[:size] for each in anchors for size in range(1, len(each)))


def _end_of(data: bytes) -> bytes:
    """As much of the end of some data as may begin an anchor, without white space."""
    end = compact(data[-2 * ANCHOR :])
    return end if len(end) >= REACH or len(data) <= 2 * ANCHOR else compact(data)


def _start_of(tail: bytes, data: bytes) -> int:
    """Where in the data the end of its text begins."""
    if data.endswith(tail):
        return len(data) - len(tail)
    solid = data.rstrip(WHITE_SPACE)
    if solid.endswith(tail):
        return len(solid) - len(tail)
    view = CompactText(data)
    return view.start(len(view.text) - len(tail))
