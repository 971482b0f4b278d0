"""Expressions for places in which the beginning of a vendor's token may be written other than as it is.

Most beginnings tell by themselves where to look. Shorter ones stand in many texts, so that more of the token has to be
written behind them, in the same way.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from tokenguard.detection.decoded_views import LINE_END, VISIBLE_BASE64, WIDE_BASE64
from tokenguard.detection.number_lists import DUMP_ROW, as_numbers, more_numbers
from tokenguard.detection.regex_set import any_of
from tokenguard.detection.string_pieces import CHARACTERS_IN_A_ROW, CONTINUED, IN_A_WORD, JOINT
from tokenguard.domain.encodings import base64_cores
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Piece, Run, opening, pieces

_LEAST_LITERAL, _LEAST_PIECE = 4, 2
_LEAST_INNER = 6
"""Characters of a literal behind a run, where the token begins with none that is long enough."""
_TELL_LITTLE = re.compile(r"A{4}|1//0|v1\.0-|Unseal|EAAA|dose|dkea|(?:pat|key|secret|apk|ext|ico|pul)[-_]\Z")
"""Beginnings of tokens that stand in many texts."""
_RUN, _IN_WORD = r"[A-Za-z0-9_.~:+/=\x2d]", r"[A-Za-z0-9_\x2d]"
_CODED = (
    r"(?:\x5c{1,4}(?:u{1,4}00|x|U000000|0000)[2-7][0-9A-Fa-f] ?|[\x5c`]{1,4}[ux]\x7b0*[2-7][0-9A-Fa-f]\x7d"
    r"|\x5c{1,4}0?(?:[01][0-7]{2}|[4-7][0-7])|\x5c{1,4}o\x7b0*1?[0-7]{2}\x7d|%(?:25)*(?:u00)?[2-7][0-9A-Fa-f]|=[2-7][0-9A-F]"
    r"|&(?:amp;)*(?:\x23[xX]?0*[0-9A-Fa-f]{2,3}|lowbar|hyphen|dash|period|sol|colon);)"
)
"""One character in the escapes of languages, addresses, markup and mail."""
_ESCAPE = rf"(?:{_CODED}|\x5c{{1,4}}[_.~:/\x2d]|&(?:amp;)*(?:shy|zwn?j|\x23x?[0-9A-Fa-f]{{4,5}});|=[ \t]*\r?\n)"
_LEAST_ESCAPES = 6
_UNSEEN = r"(?:\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf|\xef\xb8[\x80-\x8f]|\xc2\xad|\xcd\x8f)"
"""Characters without a width, in UTF-8."""
_LEAST_UNSEEN = 3
"""One after each character, so many in a row; elsewhere one counts only behind the beginning of a token."""
_WIDE = r"(?:\xef\xbc[\x90-\xbf]|\xef\xbd[\x81-\x9a]){6}"
_BETWEEN = r"(?:(?:\x1b|\x5c(?:e|033|x1[bB]|u001[bB]))\[[0-9;]{0,20}m|</?[A-Za-z][^<>\n]{0,200}>|<!--[^<>\n]{0,200}-->)"
"""What colours a part of a word in a terminal or a page."""
_GLUE = rf"(?:{JOINT}|(?:{IN_A_WORD}|{CONTINUED}|{_UNSEEN}+){_IN_WORD}|{_ESCAPE})"
"""What stands between two parts of a token in one text, up to the second one."""
_LOOSE_GLUE = rf"(?:{JOINT}|(?:{IN_A_WORD}|{CONTINUED}|{_UNSEEN}+|{_BETWEEN}+){_IN_WORD}|{_ESCAPE})"
"""The same, also what is not seen where the text is shown."""
_BASE64 = r"[A-Za-z0-9+/_\x2d]"
PACKED = ("H4sI", "QlpoO", "/Td6WFo", "_Td6WFo", "eJ", "eN", "eA", "eF", "JVBERi", "UEsDB", "SDRzSUFBQU")
"""How compressed data begins in base64: gzip, bzip2, xz, zlib at its levels, PDF and zip; gzip in base64 twice."""
_BEGINS_PACKED = r"(?:H4sI|QlpoO|[/_]Td6WFo|JVBERi|UEsDB|SDRzSUFBQU|e(?:J[w-z]|N[o-r]|A[E-H]|F[4-7]))"
_SIGN = re.compile(r"[A-Za-z][A-Za-z0-9]*[^A-Za-z0-9]\Z")
_LEAST_BEHIND = 8
"""Characters of a token that stand behind a short beginning in the same writing."""
_BEHIND = rf"{_IN_WORD}{{{_LEAST_BEHIND}}}"


@cache
def mark_patterns() -> tuple[str, ...]:
    """Expressions of RE2, one of which is in all bytes in which a token may be disguised.

    One automaton for all would have a state for each way in which they overlap: to make these takes longer than to
    search with several.
    """
    return any_of(_patterns()), any_of((*_patterns_of_short(), *_patterns_of_digits(), *_patterns_of_any()))


def literals() -> set[str]:
    """The beginnings of tokens that are looked for, and what tells of some that have none."""
    every = {opening(template) for template in _templates()}
    return {each for each in every if _tells(each)} | set(filter(None, map(_inner, _templates())))


def short_literals() -> set[str]:
    """The beginnings that tell only with what stands behind them."""
    every = {opening(template) for template in _templates() if not _inner(template)}
    return {each for each in every if len(each) >= _LEAST_PIECE and not _tells(each) and not each.startswith("AAAA")}


def short_cuts() -> dict[str, int]:
    """Short beginnings that are looked for in joined literals, and how many characters of a word follow at least.

    Few words end in a sign, so that one may be cut right behind it.
    """
    return {each: 0 if _SIGN.match(each) else _LEAST_BEHIND for each in short_literals() if len(each) > _LEAST_PIECE}


def inner_literals() -> set[str]:
    """What stands behind a run that a token begins with, and before another one."""
    return {
        literal
        for template in _templates()
        if not opening(template) and not _inner(template)
        for before, literal, after in _triples(template)
        if isinstance(literal, str) and len(literal) > _LEAST_PIECE and _is_long(before) and _is_long(after)
    }


def _triples(template: str) -> Iterator[tuple[Piece, Piece, Piece]]:
    parts = pieces(template)
    return zip(parts, parts[1:], parts[2:], strict=False)


def _is_long(piece: Piece) -> bool:
    return isinstance(piece, Run) and piece.least >= _LEAST_BEHIND


def _templates() -> list[str]:
    return [template for kind in FORMATS if kind.stands_alone for template in kind.shapes]


def _tells(literal: str) -> bool:
    return len(literal) >= _LEAST_LITERAL and not _TELL_LITTLE.match(literal)


def _inner(template: str) -> str:
    """The literal behind a run that tells of a token whose beginning does not."""
    if _tells(opening(template)):
        return ""
    every = [each for each in pieces(template)[1:] if isinstance(each, str) and len(each) >= _LEAST_INNER]
    return every[0] if every else ""


def _patterns() -> Iterator[str]:
    plain = sorted(literals())
    begun = {each[:size] for each in plain for size in range(_LEAST_PIECE, len(each))}
    listed = rf"[\x22'`][ \t]*,[ \t\r\n]*[\x22'`]{_IN_WORD}"
    yield rf"{_any_of(plain)}{_RUN}*(?:{_LOOSE_GLUE}|{listed})"
    yield rf"(?:^|[^A-Za-z0-9_.~:/\x2d]){_any_of(each for each in begun if len(each) > _LEAST_PIECE)}{_GLUE}"
    yield rf"[\x22'`]{_any_of(begun)}[\x22'`][ \t]*(?:[+.&|]|\x5c?\r?\n)?[ \t\r\n]*[\x22'`]{_IN_WORD}"
    yield _any_of_raw(_with_escape(plain))
    yield rf"{_CODED}{{{_LEAST_ESCAPES}}}"
    yield rf"(?:{_IN_WORD}{_UNSEEN}+){{{_LEAST_UNSEEN}}}{_IN_WORD}|{_WIDE}"
    encoded = {core.decode() for each in plain for core in base64_cores(each.encode())}
    yield rf"{_any_of(encoded)}{_BASE64}*{LINE_END}{_BASE64}{{2}}"
    yield rf"(?:^|[^A-Za-z0-9+/_\x2d]){_BEGINS_PACKED}{_BASE64}{{24,}}"


def _patterns_of_short() -> Iterator[str]:
    """The same for short beginnings: joined or escaped behind some more characters, and in base64."""
    cuts, inner = short_cuts(), sorted(inner_literals())
    signed = sorted(each for each in cuts if not cuts[each])
    begun = rf"{_any_of(signed)}|{_any_of(cuts.keys() - signed)}{_BEHIND}"
    rest = rf"{_RUN}*{_LOOSE_GLUE}{_IN_WORD}{{{_LEAST_LITERAL}}}"
    yield rf"(?:(?:^|[^A-Za-z0-9_.~:/\x2d])(?:{begun})|{_any_of(inner)}{_BEHIND}){rest}"
    yield rf"(?:^|[^A-Za-z0-9_.~:/\x2d]|%[0-9A-Fa-f]{{2}}){_any_of_raw(map(_in_address, signed))}{_BEHIND}"
    short = sorted({*short_literals(), *inner})
    yield rf"{_any_of(_cores(short))}{_BASE64}{{0,3}}(?:{VISIBLE_BASE64}){{4}}"


def _patterns_of_digits() -> Iterator[str]:
    """All beginnings, or the first characters of them, in hex and in lists of numbers, with more behind them."""
    every = {*literals(), *short_literals(), *inner_literals()}
    digits = {each[:_LEAST_LITERAL].encode().hex() for each in every}
    yield rf"{_any_of({*digits, *map(str.upper, digits)})}(?:[2-7][0-9A-Fa-f]){{{_LEAST_BEHIND}}}"
    heads = zip(*(as_numbers(each[: _LEAST_LITERAL - 1]) for each in sorted(every)), strict=True)
    for numbers, more in zip(heads, more_numbers(_LEAST_BEHIND), strict=True):
        yield _any_of_raw({*numbers}) + more


def _patterns_of_any() -> Iterator[str]:
    """Writings that are so rare that each of them is read, with any beginning."""
    yield DUMP_ROW
    yield CHARACTERS_IN_A_ROW
    yield rf"(?:{WIDE_BASE64}){{2}}|(?:[2-7][0-9A-Fa-f],?00,?){{{_LEAST_BEHIND}}}"


def _cores(short: Iterable[str]) -> Iterator[str]:
    for each in short:
        for core in base64_cores(each.encode()):
            if len(core) >= _LEAST_LITERAL - 1:
                yield core.decode()


def _in_address(literal: str) -> str:
    """The same with its last sign as an address has it."""
    return rf"{re.escape(literal[:-1])}%(?:25)*(?i:{ord(literal[-1]):02x})"


def _with_escape(plain: Iterable[str]) -> Iterator[str]:
    """The same with an escape for the first sign in each, up to the next one; one for all that end alike."""
    heads = dict[str, set[str]]()
    for each in plain:
        found = re.match(r"([A-Za-z0-9]+)[^A-Za-z0-9]([A-Za-z0-9]*)", each)
        if found is not None:
            heads.setdefault(found[2], set()).add(found[1])
    return (f"{_any_of(every)}{_ESCAPE}{tail}" for tail, every in heads.items())


def _any_of(literals: Iterable[str]) -> str:
    return _any_of_raw(map(re.escape, literals))


def _any_of_raw(expressions: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(expressions))})"
