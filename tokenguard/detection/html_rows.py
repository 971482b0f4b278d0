"""Cells of HTML tables that stand below a cell of their head.

Used for heads that sound secret. What is read of a table ends with its next head: no byte is read twice.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

_MOST_COLUMNS, _MOST_BEFORE, _MOST_BELOW = 20, 2_000, 20_000
_HEAD_CELL = re.compile(rb"(?i)<th\b")
_ROW = re.compile(rb"(?i)<tr\b")
_BODY_CELL = re.compile(rb"(?i)<td\b[^<>]{0,200}>")
_ROW_ENDS = re.compile(b"(?i)</tr")
_CONTENT = re.compile(
    rb"\s{0,80}(?:<(?:code|span|b|strong|kbd|samp|p)\b[^<>]{0,80}>\s{0,20}){0,2}(?P<value>[^\s<>]{8,200})\s{0,80}<"
)


def cells_below(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the words begin and end that stand below a cell of a head.

    Args:
        data: of the file.
        start: where the content of the cell begins.
        end: where the cell ends.
    """
    rows = [*_ROW.finditer(data, max(start - _MOST_BEFORE, 0), start)]
    if not rows:
        return
    before = rows[-1].start()
    column = len(_HEAD_CELL.findall(data, before, start))
    if not 0 < column <= _MOST_COLUMNS or _BODY_CELL.search(data, before, start):
        return
    last = _ROW_ENDS.search(data, end, end + _MOST_BEFORE)
    if last is None:
        return
    stop = end + _MOST_BELOW
    following = _HEAD_CELL.search(data, last.end(), stop)
    stop = following.start() if following else stop
    for first, second in pairwise([*(each.start() for each in _ROW.finditer(data, last.end(), stop)), stop]):
        cells = [*_BODY_CELL.finditer(data, first, second)]
        found = _CONTENT.match(data, cells[column - 1].end(), second) if len(cells) >= column else None
        if found is not None:
            yield found.span("value")
