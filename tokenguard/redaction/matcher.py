"""The engine: an immutable snapshot of what to mask, which finds all of it in one pass over any bytes."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple, NoReturn, Self

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from tokenguard.redaction.index import ANCHOR, Index
from tokenguard.redaction.known import Known, Needle, Source, needles
from tokenguard.redaction.patterns import PATTERNS, Pattern

_EXPOSED = 8
"""So many bytes of a secret that is not complete yet are never shown, however long nothing follows."""


class Hit(NamedTuple):
    """`data[start:end]` is to be masked. `at` is where the match began, which may be before `start`."""

    start: int
    end: int
    source: int
    at: int


class Scan(NamedTuple):
    """What one pass found."""

    hits: list[Hit]
    limit: int
    """Everything that begins before this offset is decided."""
    quiet: int
    """What may be shown while nothing follows."""


class Matcher:
    """Finds known values in every form, and issued credentials by their shape.

    Args:
        wanted: the byte strings to look for; of several equal ones the first names the source.
        patterns: shapes of values that nobody told us.

    Holds the values: never log one, never keep one longer than needed. Safe to share between threads.
    """

    __slots__ = ("_anchors", "_automaton", "_index", "_patterns", "_short", "sources")

    def __init__(self, wanted: Iterable[Needle] = (), patterns: Sequence[Pattern] = PATTERNS) -> None:
        numbers: dict[Source, int] = {}
        found: dict[bytes, tuple[int, bool]] = {}
        for needle in wanted:
            source, head = found.get(needle.data, (numbers.setdefault(needle.source, len(numbers)), False))
            found[needle.data] = (source, head or needle.head)
        self.sources = list(numbers)
        self._index = Index([(data, source, head) for data, (source, head) in found.items()])
        by_anchor: dict[bytes, list[tuple[Pattern, int]]] = {}
        for pattern in patterns:
            self.sources.append(Source(pattern.name, "", "pattern"))
            by_anchor.setdefault(pattern.anchor[:ANCHOR], []).append((pattern, len(self.sources) - 1))
        of_needles = self._index.anchors()
        self._anchors = sorted(of_needles | by_anchor.keys())
        self._patterns = {number: by_anchor[each] for number, each in enumerate(self._anchors) if each in by_anchor}
        self._short = frozenset(number for number, each in enumerate(self._anchors) if each not in of_needles)
        self._automaton = BytesAhoCorasick(self._anchors, matchkind=MatchKind.Standard) if self._anchors else None

    @classmethod
    def of(cls, known: Iterable[Known], patterns: Sequence[Pattern] = PATTERNS) -> Self:
        """The engine for some values; those that were rotated out belong to it until they are dead for a day."""
        return cls((needle for each in known for needle in needles(each)), patterns)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an engine holds values and cannot be pickled or copied")

    def __repr__(self) -> str:
        return f"Matcher({len(self.sources)} sources)"

    def touches(self, data: bytes) -> bool:
        """Whether anything in the data begins like something to mask; False means it is clean as it stands."""
        automaton = self._automaton
        return automaton is not None and bool(automaton.find_matches_as_indexes(data))

    def scan(self, data: bytes, *, final: bool) -> Scan:
        """Find everything that begins in the data. With `final`, nothing follows it."""
        hits: list[Hit] = []
        size = limit = quiet = len(data)
        if self._automaton is None:
            return Scan(hits, limit, quiet)
        for number, at, _ in self._automaton.find_matches_as_indexes(data, overlapping=True):
            if number in self._patterns:
                for pattern, source in self._patterns[number]:
                    found = pattern.match(data, at, final=final)
                    if found is not None and found.decided:
                        hits.append(Hit(found.start, found.end, source, at))
                    elif found is not None:
                        limit = min(limit, at)
                        quiet = min(quiet, at) if size - found.start >= _EXPOSED else quiet
            if number not in self._short:
                place = self._index.look(data, at, final=final)
                if place.length:
                    hits.append(Hit(at, at + place.length, place.source, at))
                if place.open:
                    limit, quiet = min(limit, at), min(quiet, at)
        return Scan(hits, limit if final else min(limit, self._beginning(data)), quiet)

    def _beginning(self, data: bytes) -> int:
        """Where the end of the data may be the beginning of an anchor."""
        for length in range(min(ANCHOR - 1, len(data)), 0, -1):
            tail = data[-length:]
            near = bisect_left(self._anchors, tail)
            if near < len(self._anchors) and self._anchors[near].startswith(tail):
                return len(data) - length
        return len(data)
