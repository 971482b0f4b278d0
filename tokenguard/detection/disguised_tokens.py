"""Finds vendors' tokens that are written differently: joined literals, escapes, hex, wrapped and compressed base64.

Own tokens are looked for in every reading of a file. Of vendors' tokens one expression tells where the beginning of one
may be written so, and only the text round such a place is read: most files have none.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache

from tokenguard.detection.decoded_view import DecodedView
from tokenguard.detection.decoded_views import LINE_END, Disguises, readings
from tokenguard.detection.made_up_tokens import is_made_up
from tokenguard.detection.number_lists import as_numbers
from tokenguard.detection.regex_set import Regex, any_of, regex
from tokenguard.detection.string_pieces import CONTINUED, IN_A_WORD, JOINT
from tokenguard.detection.token_matcher import TokenSpan, token_spans
from tokenguard.domain.encodings import base64_cores
from tokenguard.frozen import Frozen
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import opening
from tokenguard.token_formats.token_format import TokenFormat

NEAR = 2048
"""Bytes before and behind such a place that are read with it."""
_MOST = 4 << 20
"""Bytes of a content that are read so: places in all of a long one could take a second for each of its megabytes."""
_SHORTEST = 20
"""Bytes of the shortest tokens that are told by their form alone."""
_LEAST_LITERAL, _LEAST_PIECE = 4, 2
_TELL_LITTLE = re.compile(r"A{4}|1//0|v1\.0-|Unseal|EAAA|dose|dkea|(?:pat|key|secret|apk|ext|ico|pul)[-_]\Z")
"""Beginnings of tokens that stand in many texts."""
_RUN, _IN_WORD = r"[A-Za-z0-9_.~:+/=\x2d]", r"[A-Za-z0-9_\x2d]"
_CODED = (
    r"(?:\x5c{1,4}(?:u{1,4}00|x|U000000|0000)[2-7][0-9A-Fa-f] ?|[\x5c`]{1,4}[ux]\x7b0*[2-7][0-9A-Fa-f]\x7d"
    r"|\x5c{1,4}0?[01][0-7]{2}|\x5c{1,4}o\x7b0*1?[0-7]{2}\x7d|%(?:25)*(?:u00)?[2-7][0-9A-Fa-f]|=[2-7][0-9A-F]"
    r"|&(?:amp;)*(?:\x23x?0*[0-9A-Fa-f]{2,3}|lowbar|hyphen|dash|period|sol|colon);)"
)
"""One character in the escapes of languages, addresses, markup and mail."""
_ESCAPE = rf"(?:{_CODED}|\x5c{{1,4}}[_.~:/\x2d]|&(?:amp;)*(?:shy|zwn?j|\x23x?[0-9A-Fa-f]{{4,5}});|=[ \t]*\r?\n)"
_LEAST_ESCAPES = 6
_UNSEEN = r"(?:\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf|\xef\xb8[\x80-\x8f]|\xc2\xad|\xcd\x8f)"
"""Characters without a width, in UTF-8."""
_LEAST_UNSEEN = 3
"""One after each character, so many in a row; elsewhere one counts only behind the beginning of a token."""
_WIDE = r"(?:\xef\xbc[\x90-\xbf]|\xef\xbd[\x81-\x9a]){6}"
_BASE64 = r"[A-Za-z0-9+/_\x2d]"
PACKED = ("H4sI", "QlpoO", "/Td6WFo", "_Td6WFo", "eJ", "eN", "eA", "eF", "JVBERi", "UEsDB")
"""How compressed data begins in base64: gzip, bzip2, xz, zlib at its levels, PDF and zip."""
_PACKED = (
    rf"(?:^|[^A-Za-z0-9+/_\x2d])(?:H4sI|QlpoO|[/_]Td6WFo|JVBERi|UEsDB|e(?:J[w-z]|N[o-r]|A[E-H]|F[4-7])){_BASE64}{{24,}}"
)


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
    for found in _marks().finditer(data):
        if marks and found.start() - NEAR > marks[-1][1] + NEAR:
            yield max(marks[0][0] - NEAR, 0), marks[-1][1] + NEAR, marks
            marks = []
        marks.append(found.span())
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
def mark_pattern() -> str:
    """An expression of RE2 that is in all bytes in which a token may be disguised."""
    return any_of(_patterns())


def literals() -> set[str]:
    """The beginnings of tokens that are looked for."""
    every = {opening(template) for kind in FORMATS if kind.stands_alone for template in kind.shapes}
    return {each for each in every if len(each) >= _LEAST_LITERAL and not _TELL_LITTLE.match(each)}


def _patterns() -> Iterator[str]:
    plain = sorted(literals())
    begun = {each[:size] for each in plain for size in range(_LEAST_PIECE, len(each))}
    glue = rf"(?:{JOINT}|(?:{IN_A_WORD}|{CONTINUED}|{_UNSEEN}+){_IN_WORD}|{_ESCAPE})"
    listed = rf"[\x22'`][ \t]*,[ \t\r\n]*[\x22'`]{_IN_WORD}"
    yield rf"{_any_of(plain)}{_RUN}*(?:{glue}|{listed})"
    yield rf"(?:^|[^A-Za-z0-9_.~:/\x2d]){_any_of(each for each in begun if len(each) > _LEAST_PIECE)}{glue}"
    yield rf"[\x22'`]{_any_of(begun)}[\x22'`][ \t]*(?:[+.&|]|\x5c?\r?\n)?[ \t\r\n]*[\x22'`]{_IN_WORD}"
    yield _any_of_raw({_with_escape(each) for each in plain} - {""})
    yield rf"{_CODED}{{{_LEAST_ESCAPES}}}"
    yield rf"(?:{_IN_WORD}{_UNSEEN}+){{{_LEAST_UNSEEN}}}{_IN_WORD}|{_WIDE}"
    digits = {each.encode().hex() for each in plain}
    yield rf"{_any_of({*digits, *map(str.upper, digits)})}[0-9A-Fa-f]{{16}}"
    yield _any_of_raw({form for each in plain for form in as_numbers(each[:_LEAST_LITERAL])})
    encoded = {core.decode() for each in plain for core in base64_cores(each.encode())}
    yield rf"{_any_of(encoded)}{_BASE64}*{LINE_END}{_BASE64}{{2}}"
    yield _PACKED


def _with_escape(literal: str) -> str:
    """The same with an escape for the first sign in it, up to the next one."""
    found = re.match(r"([A-Za-z0-9]+)[^A-Za-z0-9]([A-Za-z0-9]*)", literal)
    return "" if found is None else f"{found[1]}{_ESCAPE}{found[2]}"


def _any_of(literals: Iterable[str]) -> str:
    return _any_of_raw(map(re.escape, literals))


def _any_of_raw(expressions: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(expressions))})"


@cache
def _marks() -> Regex:
    return regex(mark_pattern())


@cache
def _literals_of_all() -> Regex:
    return regex(_any_of(literals()))


@cache
def _disguises() -> Disguises:
    return Disguises(_SHORTEST)
