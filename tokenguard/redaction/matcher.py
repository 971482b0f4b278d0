"""The engine: an immutable snapshot of what to mask, which finds all of it in one pass over any bytes."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple, NoReturn, Self

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from tokenguard.redaction.index import ANCHOR, Index, NeedleMatch
from tokenguard.redaction.known import MaskedValue, MatchSource, Needle, needles
from tokenguard.redaction.patterns import PATTERNS, Pattern

_EXPOSED = 8
"""So many bytes of a secret that is not complete yet are never shown, however long nothing follows."""

_FEW = 2_000
"""Anchors: those of about 300 values."""
REACH = ANCHOR - 1
"""Bytes of a beginning that may lie before a cut."""
_NOWHERE = NeedleMatch(0, 0, open=False)
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")


Beginning = tuple[int, int, int]
"""Number, start and end of an anchor."""


class MaskSpan(NamedTuple):
    """`data[start:end]` is to be masked. `at` is where the match began, which may be before `start`."""

    start: int
    end: int
    source: int
    at: int


class Scan(NamedTuple):
    """What one pass found."""

    hits: list[MaskSpan]
    limit: int
    """Every match that begins before this offset is decided."""
    safe: int
    """No mask that is still undecided begins before this offset."""
    quiet: int
    """What may be shown while nothing follows: less than `_EXPOSED` bytes of a secret."""


class Matcher:
    """Finds known values in every form, and issued credentials by their shape.

    Args:
        wanted: the byte strings to look for; of several equal ones the first names the source.
        patterns: patterns of credentials that are not in the store.

    Holds the values: never log one, never keep one longer than needed. Safe to share between threads.
    """

    __slots__ = ("_after", "_anchors", "_automaton", "_before", "_index", "_needs", "_patterns", "_short", "sources")

    def __init__(self, wanted: Iterable[Needle] = (), patterns: Sequence[Pattern] = PATTERNS) -> None:
        numbers: dict[MatchSource, int] = {}
        found: dict[bytes, tuple[int, bool]] = {}
        before, after = set[int](), set[int]()
        for needle in wanted:
            source, head = found.get(needle.data, (numbers.setdefault(needle.source, len(numbers)), False))
            found[needle.data] = (source, head or needle.head)
            if needle.before:
                before.add(source)
            if needle.after:
                after.add(source)
        self._before, self._after = frozenset(before), frozenset(after)
        self.sources = list(numbers)
        self._index = Index([(data, source, head) for data, (source, head) in found.items()])
        by_anchor: dict[bytes, list[tuple[Pattern, int]]] = {}
        for pattern in patterns:
            self.sources.append(MatchSource(pattern.name, "", "pattern"))
            by_anchor.setdefault(pattern.anchor[:ANCHOR], []).append((pattern, len(self.sources) - 1))
        of_needles = self._index.anchors()
        self._anchors = sorted(of_needles | by_anchor.keys())
        self._patterns = {number: by_anchor[each] for number, each in enumerate(self._anchors) if each in by_anchor}
        self._needs = {
            number: each[0][0].needs
            for number, each in self._patterns.items()
            if len(each) == 1 and self._anchors[number] not in of_needles
        }
        self._short = frozenset(number for number, each in enumerate(self._anchors) if each not in of_needles)
        self._automaton = _automaton(self._anchors) if self._anchors else None

    @classmethod
    def of(cls, known: Iterable[MaskedValue], patterns: Sequence[Pattern] = PATTERNS) -> Self:
        """The engine for some values; those that were rotated out belong to it until they are dead for a day."""
        return cls((needle for each in known for needle in needles(each)), patterns)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an engine holds values and cannot be pickled or copied")

    def __repr__(self) -> str:
        return f"Matcher({len(self.sources)} sources)"

    def is_clean(self, data: bytes) -> bool:
        """Whether there is surely nothing in the data as it stands; the fast way for ordinary text."""
        return self.are_harmless(self.beginnings(data), data)

    def beginnings(self, data: bytes) -> Sequence[Beginning]:
        """Where something to mask may begin. Pieces that share `REACH` bytes have those of the whole."""
        if self._automaton is None:
            return ()
        return self._automaton.find_matches_as_indexes(data, overlapping=True)

    def are_harmless(self, beginnings: Sequence[Beginning], data: bytes) -> bool:
        """Whether surely none of its beginnings becomes anything in the data as it stands."""
        for number, _, _ in beginnings:
            needed = self._needs.get(number)
            if needed is None or needed in data:
                return False
        return True

    def scan(self, data: bytes, *, final: bool) -> Scan:
        """Find everything that begins in the data. With `final`, nothing follows it."""
        hits: list[MaskSpan] = []
        limit = safe = quiet = len(data)
        for number, at, _ in self.beginnings(data):
            for pattern, source in self._patterns.get(number, ()):
                found = pattern.match(data, at, final=final)
                if found is not None and found.decided:
                    hits.append(MaskSpan(found.start, found.end, source, at))
                elif found is not None:
                    limit = min(limit, at)
                    safe = min(safe, at if pattern.masked is None else found.start)
                    quiet = min(quiet, at) if len(data) - found.start >= _EXPOSED else quiet
            place = _NOWHERE if number in self._short else self._index.look(data, at, final=final)
            open_ = place.open
            if place.length:
                start, end = self._with_shared(data, at, place)
                hits.append(MaskSpan(start, end, place.source, start))
                open_ |= not final and end == len(data) and place.source in self._after
            if open_:
                begin = self._back(data, at)
                limit, safe, quiet = min(limit, begin), min(safe, begin), min(quiet, begin)
        begun = len(data) if final else self._back(data, self._beginning(data))
        return Scan(hits, min(limit, begun), min(safe, begun), quiet)

    def _with_shared(self, data: bytes, at: int, place: NeedleMatch) -> tuple[int, int]:
        """Where a needle starts and ends with the base64 digits that it shares with its neighbours."""
        start, end = at, at + place.length
        if place.source in self._before and start and data[start - 1] in _BASE64:
            start -= 1
        if place.source in self._after and end < len(data) and data[end] in _BASE64:
            end += 1
        return start, end

    def _back(self, data: bytes, at: int) -> int:
        """Where the digit begins that what may begin at `at` would share."""
        return at - 1 if self._before and at and data[at - 1] in _BASE64 else at

    def _beginning(self, data: bytes) -> int:
        """Where the end of the data may be the beginning of an anchor."""
        for length in range(min(ANCHOR - 1, len(data)), 0, -1):
            tail = data[-length:]
            near = bisect_left(self._anchors, tail)
            if near < len(self._anchors) and self._anchors[near].startswith(tail):
                return len(data) - length
        return len(data)


def _automaton(anchors: Sequence[bytes]) -> BytesAhoCorasick:
    """A full table is the fastest and grows with every anchor, so it is for an application's few values only."""
    kind = Implementation.DFA if len(anchors) <= _FEW else None
    return BytesAhoCorasick(anchors, matchkind=MatchKind.Standard, implementation=kind)
