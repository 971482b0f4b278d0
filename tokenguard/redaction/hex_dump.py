"""The columns of hexadecimal dumps as `xxd` writes them: offset, bytes in groups, the same bytes as text.

A value that is dumped goes on in the next row, behind the text of the one before. Each column is read by itself.
"""

import re
from typing import NamedTuple

OFFSET = b"000"
"""What is in the offset of every row of a dump of at most a megabyte."""
OFFSETS = tuple(OFFSET + bytes([digit]) for digit in b"0123456789ABCDEFabcdef")
"""The same with the digit that follows it: times and numbers have zeros too."""
_COMPACT_ROW = re.compile(rb"0[0-9A-Fa-f]{3,15}:[0-9A-Fa-f]{2}")
_ROW = re.compile(rb"^(0[0-9A-Fa-f]{3,15}: )((?:[0-9A-Fa-f]{2,32} ){1,128})( [^\n]*)?(?:\n|\Z)", re.MULTILINE)
_BEGUN = re.compile(
    rb"0(?:[0-9A-Fa-f]{0,15}|[0-9A-Fa-f]{3,15}: ?|[0-9A-Fa-f]{3,15}: ([0-9A-Fa-f]{1,32}(?: [^\n]*)?))\Z"
)
_LONGEST_ROW = 1_024


class Column(NamedTuple):
    """One column of all dumps in some data; what is not a dump is in both."""

    visible: bytes
    inserts: list[tuple[int, int]]


class HexDump(NamedTuple):
    """The dumps in some data."""

    columns: list[Column]
    rows: list[tuple[int, int]]
    """Data is cut before or after a row, never inside."""


def is_row(text: bytes, at: int) -> bool:
    """Whether a row may begin with what was found at `at`, in a text without white space."""
    return _COMPACT_ROW.match(text, at) is not None


class BegunRow(NamedTuple):
    """A row at the end of some data that is not complete yet."""

    start: int
    shown: int
    """What may be shown before it is complete: all of it while there is nothing but its offset."""


def begun_row(data: bytes) -> BegunRow:
    """The row at the end of the data; the end of the data twice if there is none."""
    start = max(data.rfind(b"\n") + 1, len(data) - _LONGEST_ROW)
    found = _BEGUN.match(data, start)
    if found is None:
        return BegunRow(len(data), len(data))
    return BegunRow(start, start if found[1] else len(data))


def read(data: bytes) -> HexDump:
    """The columns of the dumps in the data."""
    found = list(_ROW.finditer(data))
    columns = []
    for hidden in (
        [part for row in found for part in (row.span(1), (row.end(2), row.end()))],
        [(row.start(), row.start(3) if row[3] else row.end()) for row in found],
    ):
        ends = [0, *(end for _, end in hidden)]
        starts = [*(start for start, _ in hidden), len(data)]
        visible = b"".join(data[a:b] for a, b in zip(ends, starts, strict=True))
        columns.append(Column(visible, hidden))
    return HexDump(columns, [row.span() for row in found])
