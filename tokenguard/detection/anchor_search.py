"""Finds the places of a long run whose next bytes have a known anchor, many at a time.

CRC-32 is linear: that of some bytes is the exclusive or of what each byte adds at its place. So one table for each
place gives the anchors of all windows of a run, whole pieces at once.
"""

import re
import zlib
from collections.abc import Collection, Iterator
from functools import cached_property

_PIECE = 1 << 15


class AnchorSearch:
    """The tables of one key.

    Args:
        width: how many bytes an anchor covers.
        seed: what the checksum begins with.
        wanted: 16-bit anchors to look for.
    """

    def __init__(self, width: int, seed: int, wanted: Collection[int]) -> None:
        self._width = width
        self._seed = seed
        self._wanted = wanted

    def places(self, run: bytes) -> Iterator[int]:
        """Where in the run an anchor stands, from left to right."""
        before, found = b"", list[int]()
        for start in range(0, len(run) - self._width + 1, _PIECE):
            piece = run[start : start + _PIECE + self._width - 1]
            if piece != before:  # a run of one character would be looked at again and again
                before, found = piece, self._within(piece)
            for place in found:
                yield start + place

    def _within(self, piece: bytes) -> list[int]:
        count = len(piece) - self._width + 1
        anchors = bytearray(4 * count)
        shifted = [piece[place : place + count] for place in range(self._width)]
        for half, tables in enumerate(self._tables):
            joined = 0
            for part, table in zip(shifted, tables, strict=True):
                joined ^= int.from_bytes(part.translate(table), "little")
            anchors[half::4] = joined.to_bytes(count, "little")
        # one character each: all are searched for with one class of characters
        text = anchors.decode("utf-32-le", "surrogatepass")
        return [found.start() for found in self._is_wanted.finditer(text)]

    @cached_property
    def _tables(self) -> tuple[list[bytes], list[bytes]]:
        """For each place of a window what each byte adds there, to the lower and to the upper byte of its anchor."""
        zeros = zlib.crc32(bytes(self._width), self._seed)
        low, high = list[bytes](), list[bytes]()
        for place in range(self._width):
            before, after = bytes(place), bytes(self._width - place - 1)
            added = [zlib.crc32(before + bytes([byte]) + after, self._seed) ^ zeros for byte in range(256)]
            low.append(bytes(each & 0xFF for each in added))
            high.append(bytes(each >> 8 & 0xFF for each in added))
        return low, high

    @cached_property
    def _is_wanted(self) -> re.Pattern[str]:
        """Matches what all bytes of a known anchor add, read as a character."""
        zeros = zlib.crc32(bytes(self._width), self._seed) & 0xFFFF
        added = "".join(rf"\u{anchor ^ zeros:04x}" for anchor in sorted(self._wanted))
        return re.compile(f"[{added}]" if added else r"(?!)")
