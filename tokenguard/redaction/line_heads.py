"""What stands before the message of a log record in its line: time, logger, level. A program writes few kinds of it."""

from collections.abc import Callable, Iterable

from tokenguard.redaction.compact import compact
from tokenguard.redaction.hex_dump import OFFSET
from tokenguard.redaction.index import ANCHOR, REACH
from tokenguard.redaction.visible_text import is_plain

AHEAD = 8
"""Bytes of the message that are looked at with the head: what begins in the head may go on in them."""
LOOKED = 16
"""So many bytes of each needle tell it from times, in which digits may be any."""
_DIGITS = bytes(0x30 if byte in b"0123456789" else byte for byte in range(256))
_MOST = 1_000
_DUMP = OFFSET[0]


class LineHeads:
    """The kinds of heads in which nothing begins, with any digits: in times nothing else changes.

    Args:
        beginnings: gives how everything begins that is looked for, without white space: up to `LOOKED` bytes.
    """

    __slots__ = ("_beginnings", "_kinds", "_shapes")

    def __init__(self, beginnings: Callable[[], Iterable[bytes]]) -> None:
        self._beginnings = beginnings
        self._shapes: set[bytes] | None = None
        self._kinds = dict[bytes, bool]()

    def are_clean(self, head: bytes) -> bool:
        """Whether surely nothing begins in a head that ends with `AHEAD` bytes of its message."""
        kind = head.translate(_DIGITS)
        known = self._kinds.get(kind)
        if known is None:
            known = self._is_harmless(kind)
            if len(self._kinds) < _MOST:
                self._kinds[kind] = known
        return known and head[0] != _DUMP  # it may be the offset of a dump

    def _is_harmless(self, kind: bytes) -> bool:
        following = compact(kind[-AHEAD:])[:REACH]
        if len(following) < REACH or not is_plain(kind) or b"\n" in kind or len(self._kinds) >= _MOST:
            return False
        if self._shapes is None:
            self._shapes = {each.translate(_DIGITS) for each in self._beginnings()}
        text = compact(kind[:-AHEAD]) + following
        ends = tuple(text[-size:] for size in range(ANCHOR, LOOKED))
        return not any(each in text or each.startswith(ends) for each in self._shapes)
