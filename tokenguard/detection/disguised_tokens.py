"""Finds vendors' tokens that are written differently: joined literals, escapes, hex, wrapped and compressed base64.

Own tokens are looked for in every reading of a file. Of vendors' tokens one expression tells where the beginning of one
may be written so, and only the text round such a place is read: most files have none.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache

from tokenguard.detection.decoded_view import DecodedView
from tokenguard.detection.decoded_views import Disguises, readings
from tokenguard.detection.disguise_marks import inner_literals, literals, mark_patterns, short_literals
from tokenguard.detection.made_up_tokens import is_made_up
from tokenguard.detection.regex_set import Regex, regex
from tokenguard.detection.token_matcher import TokenSpan, token_spans
from tokenguard.frozen import Frozen
from tokenguard.token_formats.token_format import TokenFormat

NEAR = 2048
"""Bytes before and behind such a place that are read with it."""
_MOST = 4 << 20
"""Bytes of a content that are read so: places in all of a long one could take a second for each of its megabytes."""
_SHORTEST = 20
"""Bytes of the shortest tokens that are told by their form alone."""

_Mark = tuple[int, int]


class DisguisedToken(Frozen, frozen=True):
    """`data[start:end]` is a writing of a token."""

    start: int
    end: int
    kind: TokenFormat
    value: str
    how: str


class UnreadRest(Frozen, frozen=True):
    """From `start` on nothing was read."""

    start: int


def disguised_tokens(data: bytes) -> Iterator[DisguisedToken | UnreadRest]:
    """The tokens that are written differently in these (UTF-8) bytes, the most telling one of each reading."""
    left = _MOST
    for start, end, marks in _regions(data):
        around = data[start : min(end, start + left)]
        yield from _in_region(around, start, marks)
        left -= len(around)
        if start + len(around) < min(end, len(data)):
            yield UnreadRest(start + len(around))
            return


def _in_region(around: bytes, start: int, marks: list[_Mark]) -> Iterator[DisguisedToken]:
    for view in readings(_disguises(), around):
        begin, stop = start + view.start, start + view.end
        number = bisect_right(marks, stop, key=_begin_of)
        if not number or marks[number - 1][1] <= begin:
            continue
        token = _token_in(view, around)
        if token is not None:
            yield DisguisedToken(begin, stop, *token, view.how)


def _regions(data: bytes) -> Iterator[tuple[int, int, list[_Mark]]]:
    """The text round such places, without overlaps, so that none is read twice; with the places in it."""
    marks = list[_Mark]()
    for start, end in sorted(found.span() for each in _marks() for found in each.finditer(data)):
        if marks and start - NEAR > marks[-1][1] + NEAR:
            yield max(marks[0][0] - NEAR, 0), marks[-1][1] + NEAR, marks
            marks = []
        overlapped = marks.pop() if marks and start < marks[-1][1] else (start, end)
        marks.append((overlapped[0], max(overlapped[1], end)))
    if marks:
        yield max(marks[0][0] - NEAR, 0), marks[-1][1] + NEAR, marks


def _begin_of(mark: _Mark) -> int:
    return mark[0]


def _token_in(view: DecodedView, around: bytes) -> tuple[TokenFormat, str] | None:
    if not _literals_of_all().search(view.data):
        return None
    text = view.data.decode("latin-1")
    spans = sorted((each for each in token_spans(text) if each.kind.stands_alone), key=_most_telling)
    for span in spans:
        value = text[span.start : span.end]
        if value.isascii() and not is_made_up(span.kind, value) and value.encode() not in around:
            return span.kind, value
    return None


def _most_telling(span: TokenSpan) -> tuple[int, int]:
    return span.start - span.end, span.start


@cache
def _marks() -> tuple[Regex, ...]:
    return tuple(map(regex, mark_patterns()))


@cache
def _literals_of_all() -> Regex:
    return regex("|".join(sorted(map(re.escape, literals() | short_literals() | inner_literals()))))


@cache
def _disguises() -> Disguises:
    return Disguises(_SHORTEST)
