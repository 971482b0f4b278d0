"""Whole values that stand as they are in otherwise ordinary text: masked in one pass, without a look at their pieces.

Only a value of which nothing can go on beyond its end is among them. For anything else around them the engine has to
take its closer look.
"""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from tokenguard.redaction.compact import WHITE_SPACE
from tokenguard.redaction.patterns import Pattern

_EDGE = 4
"""Bytes of a value that are left at either end: what begins beside it may reach into it."""
SHORTEST = 3 * _EDGE
_AFTER = 300
"""More than a pattern's run may be long, and be decided by it."""
_ENDS = b" \t\r\n\"',;)"
"""Bytes with which most patterns end."""


class WholeValue(NamedTuple):
    """One such value."""

    data: bytes
    mask: bytes
    source: int
    patterns: Sequence[Pattern] = ()
    """Those that begin where it does."""


class Replaced(NamedTuple):
    """Data with masks, for which nothing else has been looked for yet."""

    parts: list[bytes]
    """For each value what is before it, and its mask."""
    spans: list[tuple[int, int, int]]
    """Number, start and end of each value."""
    blanked: bytes
    """The data up to where a closer look is needed, with nothing inside values that a search would find."""


class WholeValues:
    """Those of one engine.

    Args:
        values: distinct.
        anchors: what searches look for.
    """

    __slots__ = ("_automaton", "_ends", "_fills", "_masks", "_sources")

    def __init__(self, values: Sequence[WholeValue], anchors: Sequence[bytes]) -> None:
        used = frozenset(b"".join(anchors) + WHITE_SPACE + b"\x1b")
        free = next((byte for byte in range(1, 128) if byte not in used), None)
        values = values if free is not None else ()
        self._masks = [each.mask for each in values]
        self._sources = [each.source for each in values]
        self._fills = [bytes([free or 0]) * (len(each.data) - 2 * _EDGE) for each in values]
        self._ends = [_ends_of(each) if each.patterns else None for each in values]
        kind = MatchKind.LeftmostLongest
        self._automaton = BytesAhoCorasick([each.data for each in values], matchkind=kind) if values else None

    def __reduce__(self) -> NoReturn:
        raise TypeError("values cannot be pickled or copied")

    def replaced(self, data: bytes) -> Replaced | None:
        """Plain data with masks, up to a value that touches another one or may go on; None if there is no value."""
        if self._automaton is None:
            return None
        parts: list[bytes] = []
        blank: list[bytes] = []
        spans = self._automaton.find_matches_as_indexes(data)
        at, kept, stop = 0, 0, len(data)
        for number, start, end in spans:
            ends = self._ends[number]
            if (start == at and parts) or (ends is not None and data[end : end + 1] not in ends):
                stop = start
                break
            parts += (data[at:start], self._masks[number])
            blank += (data[kept : start + _EDGE], self._fills[number])
            at, kept = end, end - _EDGE
        blank.append(data[kept:stop])
        return Replaced(parts, spans[: len(parts) // 2], b"".join(blank)) if parts else None

    def source(self, number: int) -> int:
        """Whose value it is."""
        return self._sources[number]


def _ends_of(value: WholeValue) -> frozenset[bytes]:
    """The bytes behind a value with which no pattern goes on beyond it."""
    found = set()
    for end in (bytes([byte]) for byte in _ENDS):
        longer = value.data + end + b"A" * _AFTER
        matches = [each.match(longer, 0, final=True) for each in value.patterns]
        if all(match is None or match.end <= len(value.data) for match in matches):
            found.add(end)
    return frozenset(found)
