"""Finds places where a vendor's token may stand: one pass over a text for the literals of all formats.

A format is asked only where a literal of its shape, or else a word of the name that it needs, stands in the text.
"""

import re
from collections.abc import Iterator
from functools import cache

from ahocorasick_rs import AhoCorasick, MatchKind

from tokenguard.frozen import Frozen
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Run, pieces
from tokenguard.token_formats.token_format import TokenFormat, assignment, expression, shape_expression

_LEAST_LITERAL = 2
_MOST_LEADS = 4
_SHORT_WORD = 6
"""A shorter word of a name is looked for at the beginning of a word only."""


class TokenSpan(Frozen, frozen=True):
    """`text[start:end]` has the shape of a token of one format."""

    start: int
    end: int
    kind: TokenFormat


class _Clue(Frozen, frozen=True):
    """What stands at a literal: the format, and how far before the literal its shape may begin; or a word of a name."""

    kind: TokenFormat
    template: str
    leads: tuple[int, ...] = (0,)
    word: str = ""


def token_spans(text: str) -> Iterator[TokenSpan]:
    """Every place that has the shape of a token, in no order; places of one format may overlap those of others."""
    automaton, clues = _gate()
    seen = set[tuple[int, str]]()
    anywhere = dict[str, TokenFormat]()
    for number, start, _ in automaton.find_matches_as_indexes(text, overlapping=True):
        for clue in clues[number]:
            if clue.word and not clue.kind.names:
                anywhere[clue.kind.id] = clue.kind
                continue
            found = (_assigned if clue.word else _standing)(clue, text, start)
            if found is not None and (found.start, found.kind.id) not in seen:
                seen.add((found.start, found.kind.id))
                yield found
    for kind in anywhere.values():
        for match in _assignment(kind).finditer(text):
            yield TokenSpan(match.start("value"), match.end("value"), kind)


def _standing(clue: _Clue, text: str, literal: int) -> TokenSpan | None:
    pattern = _compiled(clue.kind, clue.template)
    for lead in clue.leads:
        match = pattern.match(text, literal - lead) if literal >= lead else None
        if match is not None:
            if clue.kind.names and not _named(clue.kind, text, match.start("value")):
                continue
            return TokenSpan(match.start("value"), match.end("value"), clue.kind)
    return None


def _assigned(clue: _Clue, text: str, start: int) -> TokenSpan | None:
    before = text[start - 1 : start]
    if before.isalpha() and len(clue.word) < _SHORT_WORD and not (before.islower() and text[start].isupper()):
        return None
    match = _assignment(clue.kind).match(text, start + len(clue.word))
    return None if match is None else TokenSpan(match.start("value"), match.end("value"), clue.kind)


def _named(kind: TokenFormat, text: str, start: int) -> bool:
    """Whether the value at `start` is assigned to a name with one of the format's words."""
    line = text[max(text.rfind("\n", 0, start) + 1, start - 120) : start].lower()
    return any(word in line for word in kind.names)


@cache
def _gate() -> tuple[AhoCorasick, list[list[_Clue]]]:
    by_literal: dict[str, list[_Clue]] = {}
    for kind in FORMATS:
        for template in kind.shapes:
            for literal, clue in _clues(kind, template):
                known = by_literal.setdefault(literal, [])
                if clue not in known:
                    known.append(clue)
    automaton = AhoCorasick(list(by_literal), matchkind=MatchKind.Standard)
    return automaton, list(by_literal.values())


def _clues(kind: TokenFormat, template: str) -> Iterator[tuple[str, _Clue]]:
    leads: tuple[int, ...] = (0,)
    for piece in pieces(template):
        if isinstance(piece, Run):
            leads = tuple(lead + length for lead in leads for length in range(piece.least, piece.most + 1))
            continue
        if len(piece) >= _LEAST_LITERAL and len(leads) <= _MOST_LEADS:
            yield piece, _Clue(kind, template, leads)
            return
        leads = tuple(lead + len(piece) for lead in leads)
    words = kind.names or kind.near
    for word in words:
        for variant in dict.fromkeys((word, word.upper(), word.capitalize())):
            yield variant, _Clue(kind, "", word=variant)


@cache
def _compiled(kind: TokenFormat, template: str) -> re.Pattern[str]:
    return re.compile(shape_expression(kind, template))


@cache
def _assignment(kind: TokenFormat) -> re.Pattern[str]:
    return re.compile(assignment(kind) if kind.names else expression(kind))
