"""The needles of one engine in sorted order: which is the longest at a place, and what may still become one."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

ANCHOR = 5
"""Bytes by which a needle is found; none is shorter."""
REACH = ANCHOR - 1
"""Bytes of a beginning that may lie before a cut."""


class NeedleMatch(NamedTuple):
    """What the index says of one place."""

    length: int
    """Of the longest needle there; 0 if there is none."""
    source: int
    open: bool
    """The data ends before it can be told which needle it is."""
    number: int
    """Of the needle; -1 if there is none."""
    exact: bool = False
    """It is this needle and nothing that follows it."""


class Index:
    """Immutable; safe to share between threads.

    Only the first bytes of a needle are in the automaton that finds it; the rest is compared here. That keeps the
    memory of an engine near that of the needles themselves.

    Args:
        needles: distinct byte strings with the number of their source, and whether they are heads.
    """

    __slots__ = ("_guarded", "_needles", "_parents", "_sources", "longest")

    def __init__(self, needles: Sequence[tuple[bytes, int, bool]]) -> None:
        ordered = sorted(needles)
        self._needles = [data for data, _, _ in ordered]
        self._sources = array("I", (source for _, source, _ in ordered))
        self._parents = array("i", bytes(4 * len(ordered)))
        self._guarded = bytearray(len(ordered))
        self.longest = max(map(len, self._needles), default=0)
        above: list[int] = []
        for number, (data, _, head) in enumerate(ordered):
            while above and not data.startswith(self._needles[above[-1]]):
                above.pop()
            self._parents[number] = above[-1] if above else -1
            self._guarded[number] = head or bool(above and self._guarded[above[-1]])
            above.append(number)

    def beginnings(self, size: int = ANCHOR) -> set[bytes]:
        """How the needles begin; by `ANCHOR` bytes of it they are found."""
        return {data[:size] for data in self._needles}

    def whole(self) -> Iterator[tuple[int, bytes, int]]:
        """Number, bytes and source of the needles that no other one goes on from."""
        for number, data in enumerate(self._needles):
            if not self._needles[number + 1 : number + 2] or not self._needles[number + 1].startswith(data):
                yield number, data, self._sources[number]

    def look(self, data: bytes, at: int, *, final: bool) -> NeedleMatch:
        """What begins at `at`. With `final`, nothing follows the data."""
        here = data[at : at + self.longest]
        after = bisect_right(self._needles, here)
        open_ = (
            not final
            and len(data) - at < self.longest
            and after < len(self._needles)
            and self._needles[after].startswith(here)
        )
        number = after - 1
        while number >= 0 and not here.startswith(self._needles[number]):
            number = self._parents[number]
        if number < 0:
            return NeedleMatch(0, 0, open_, -1)
        whole = length = len(self._needles[number])
        if self._guarded[number]:
            near = self._needles[max(after - 1, 0) : after + 1]
            for needle in near:
                if len(needle) > length and here.startswith(needle[: length + 1]):
                    length = _shared(here, needle)
        return NeedleMatch(length, self._sources[number], open_, number, exact=length == whole)

    def needle(self, number: int) -> tuple[bytes, int]:
        """A needle and the number of its source."""
        return self._needles[number], self._sources[number]


def _shared(left: bytes, right: bytes) -> int:
    """How many bytes two strings have in common from their start."""
    size = min(len(left), len(right))
    return next((at for at in range(size) if left[at] != right[at]), size)
