"""Finds places where a vendor's token may stand: one pass over a text for the literals of all formats.

A format is asked only where a literal of its shape, or else a word of the name that it needs, stands in the text.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from itertools import pairwise

from ahocorasick_rs import AhoCorasick, MatchKind

from tokenguard.detection.made_up_tokens import is_made_up
from tokenguard.frozen import Frozen
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Piece, Run, opening, pieces
from tokenguard.token_formats.token_format import TokenFormat, assignment, expression, shape_expression

_Chars = frozenset[str]
_LEAST_LITERAL = 2
_MOST_LEADS = 4
_MOST_OF_RUN = 8
"""So many characters of a run tell a shape from other text well enough."""
_MOST_BEFORE = 16
"""The same before a literal of one character, which tells little."""
_GIVEN = r"[\"'\])]*[ \t]*(?:=>|:=|\?=|[:=,(>]|[ \t])[ \t]*(?:\x5c?[\"'\x60(>])*"
"""What assigns to a name, not counted: `token_format.assignment` allows for no more."""
_REPEATED = "A01="
"""The characters of literals that are one character several times."""
_EDGE = 2048
"""Characters: longer than a token with such a literal."""
_LEAST_RUNS = tuple(2 * _EDGE * each for each in _REPEATED)
_RUNS = re.compile("|".join(f"{each}{{{2 * _EDGE},}}" for each in _REPEATED))
_SHORT_WORD = 6
"""A shorter word of a name is looked for at the beginning of a word only."""


class TokenSpan(Frozen, frozen=True):
    """`text[start:end]` has the shape of a token of one format."""

    start: int
    end: int
    kind: TokenFormat


class _Standing:
    """A literal of a shape. Some are two characters that every program has, so their neighbours are looked at first."""

    def __init__(self, kind: TokenFormat, template: str, number: int, leads: tuple[int, ...]) -> None:
        self.kind = kind
        self._template = template
        self._number = number
        """Of the literal among the template's pieces."""
        self._leads = leads
        """How far before the literal the shape may begin."""

    def found(self, text: str, start: int, end: int) -> TokenSpan | None:
        """The token whose literal is `text[start:end]`, if it is part of one."""
        needed_before, needed_after, barred = self._around
        before = text[start - 1 : start]
        if needed_after and text[end : end + 1] not in needed_after:
            return None
        if before in barred and text[start - 3 : start - 2] != "%":
            return None
        if needed_before and before not in needed_before:
            return None
        for lead in self._leads:
            match = self._pattern.match(text, start - lead) if start >= lead else None
            if match is not None:
                if self.kind.names and not _named(self.kind, text, match.start("value")):
                    continue
                return TokenSpan(match.start("value"), match.end("value"), self.kind)
        return None

    @property
    def superset(self) -> tuple[str, str]:
        """What stands before the shape where it begins with the literal; the literal with its neighbours."""
        parts = pieces(self._template)
        if self._number == 0 and self._leads == (0,):
            return (rf"(?:^|[^{self.kind.left}]|%[0-9A-Fa-f][0-9A-Fa-f])" if self.kind.left else ""), _beginning(parts)
        before, literal = parts[self._number - 1], parts[self._number]
        most = 1 if isinstance(literal, str) and len(literal) > _LEAST_LITERAL else _MOST_OF_RUN
        run = f"[{before.chars}]{{{min(before.least, most)}}}" if isinstance(before, Run) else ""
        return "", run + _beginning(parts[self._number :])

    @cached_property
    def _around(self) -> tuple[_Chars, _Chars, _Chars]:
        """One of the first must stand before the literal, one of the second behind it, none of the third before."""
        parts = pieces(self._template)
        barred = _members(self.kind.left) if self._leads == (0,) else _Chars()
        before, after = parts[: self._number][-1:], parts[self._number + 1 :][:1]
        return _neighbour(before), _neighbour(after), barred

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(shape_expression(self.kind, self._template))


class _Word(Frozen, frozen=True):
    """A word of the name that a format needs, or of its surroundings."""

    kind: TokenFormat
    word: str

    def found(self, text: str, start: int, end: int) -> TokenSpan | None:
        """The token that is assigned to a name with the word `text[start:end]`."""
        before = text[start - 1 : start]
        if before.isalpha() and len(self.word) < _SHORT_WORD and not (before.islower() and text[start].isupper()):
            return None
        match = _assignment(self.kind).match(text, end)
        if match is None or _is_public(self.kind, text[end : match.start("value")]):
            return None
        return TokenSpan(match.start("value"), match.end("value"), self.kind)


_Clue = _Standing | _Word


def token_spans(text: str) -> Iterator[TokenSpan]:
    """Every place that has the shape of a token, in no order; places of one format may overlap those of others."""
    automaton, clues = _gate()
    seen = set[tuple[int, str]]()
    anywhere = dict[str, TokenFormat]()
    for number, start, end in automaton.find_matches_as_indexes(_without_runs(text), overlapping=True):
        for clue in clues[number]:
            if isinstance(clue, _Word) and not clue.kind.names:
                anywhere[clue.kind.id] = clue.kind
                continue
            found = clue.found(text, start, end)
            if found is not None and (found.start, found.kind.id) not in seen:
                seen.add((found.start, found.kind.id))
                yield found
    for kind in anywhere.values():
        for match in _assignment(kind).finditer(text) if _inner(kind).search(text) else ():
            yield TokenSpan(match.start("value"), match.end("value"), kind)


def assigned_format(line: str, start: int, value: str) -> TokenFormat | None:
    """The format that a value has by the name before it on a line that was made of both."""
    kinds = (each.kind for each in token_spans(line) if (each.start, each.end) == (start, start + len(value)))
    return next((kind for kind in kinds if kind.names and not is_made_up(kind, value)), None)


def _without_runs(text: str) -> str:
    """The text for the automaton: the middle of a long run of one character, such as base64 of zeros, is empty.

    Several formats begin with such characters, so that they would be asked at each of them. In the middle of a run
    would be only a token of one character, and no format takes one.
    """
    if not any(each in text for each in _LEAST_RUNS):
        return text
    return _RUNS.sub(lambda run: run[0][:_EDGE] + "\n" * (len(run[0]) - 2 * _EDGE) + run[0][:_EDGE], text)


def possible_shapes() -> tuple[list[str], ...]:
    """Byte expressions, as RE2 and `re` have them, of which one matches within every place that could be a token.

    Of a shape they have the literal that it is found by, what stands round it, and how a run behind it begins. Those
    with the same beginning are one: an automaton has many states less than for one beginning each.
    """
    opened, inner, named = dict[str, list[str]](), list[str](), list[str]()
    for kind in FORMATS:
        words = "|".join(dict.fromkeys(map(re.escape, _words(kind))))
        assigned = list[str]()
        for template in kind.shapes:
            clue = _standing(kind, template)
            if clue is not None:
                before, rest = clue[1].superset
                (opened.setdefault(before, []) if before else inner).append(rest)
            elif kind.names:
                assigned.append(_beginning(pieces(template)))
            else:
                inner.append(_from_inner(pieces(template)))
        if assigned:
            named.append(f"(?:{words})[A-Za-z0-9_.\\-]*{_GIVEN}(?:{'|'.join(assigned)})")
    return [f"{before}(?:{'|'.join(rest)})" for before, rest in opened.items()], inner, named


def shapes_near_words() -> list[str]:
    """The same of those shapes only that need a word near them, without regard to the character before them."""
    found = list[str]()
    for kind in FORMATS:
        for template in kind.shapes if kind.near else ():
            clue = _standing(kind, template)
            found.append(_from_inner(pieces(template)) if clue is None else clue[1].superset[1])
    return found


def _beginning(parts: Sequence[Piece]) -> str:
    """What every match of these pieces begins with: up to the first run whose length varies, or is long."""
    begun = list[str]()
    for each in parts:
        if isinstance(each, str):
            begun.append(re.escape(each))
            continue
        begun.append(f"[{each.chars}]{{{min(each.least, _MOST_OF_RUN)}}}")
        if each.least != each.most or each.least > _MOST_OF_RUN:
            break
    return "".join(begun)


def _from_inner(parts: Sequence[Piece]) -> str:
    """What is in every match of pieces of which a later literal is looked for: the end of a run before it, and it."""
    for number, (run, literal) in enumerate(pairwise(parts)):
        if isinstance(run, Run) and isinstance(literal, str):
            return f"[{run.chars}]{{{min(run.least, _MOST_BEFORE)}}}{_beginning(parts[number + 1 :])}"
    return _beginning(parts)


def _named(kind: TokenFormat, text: str, start: int) -> bool:
    """Whether the value at `start` is assigned to a name with one of the format's words."""
    line = text[max(text.rfind("\n", 0, start) + 1, start - 120) : start].lower()
    return any(word in line for word in kind.names) and not _is_public(kind, line)


def _is_public(kind: TokenFormat, name: str) -> bool:
    """Whether a name says that this format's value is one that everybody may see."""
    return any(word in name.lower() for word in kind.absent)


@cache
def _gate() -> tuple[AhoCorasick, list[list[_Clue]]]:
    by_literal: dict[str, list[_Clue]] = {}
    for kind in FORMATS:
        words = dict[str, _Word]()
        for template in kind.shapes:
            standing = _standing(kind, template)
            if standing is None:
                words |= {word: _Word(kind, word) for word in _words(kind)}
            else:
                by_literal.setdefault(standing[0], []).append(standing[1])
        for word, clue in words.items():
            by_literal.setdefault(word, []).append(clue)
    automaton = AhoCorasick(list(by_literal), matchkind=MatchKind.Standard)
    return automaton, list(by_literal.values())


def _standing(kind: TokenFormat, template: str) -> tuple[str, _Standing] | None:
    """The first literal of a template that is long enough, not too far from its beginning."""
    first = opening(template)
    if len(first) >= _LEAST_LITERAL:
        return first, _Standing(kind, template, 0, (0,))
    leads: tuple[int, ...] = (0,)
    for number, piece in enumerate(pieces(template)):
        if isinstance(piece, Run):
            leads = tuple(lead + length for lead in leads for length in range(piece.least, piece.most + 1))
            continue
        if len(piece) >= _LEAST_LITERAL and len(leads) <= _MOST_LEADS:
            return piece, _Standing(kind, template, number, leads)
        leads = tuple(lead + len(piece) for lead in leads)
    return None


def _neighbour(parts: Sequence[Piece]) -> _Chars:
    """The characters of which one must stand beside a literal; none: any may."""
    return next((_members(each.chars) for each in parts if isinstance(each, Run) and each.least), _Chars())


@cache
def _members(chars: str) -> _Chars:
    """The ASCII characters of a class, which it gives as the inside of one."""
    return frozenset(re.findall(f"[{chars}]", "".join(map(chr, range(128)))))


def _words(kind: TokenFormat) -> Iterator[str]:
    for word in kind.names or kind.near:
        yield from spellings(word)


def spellings(word: str) -> tuple[str, ...]:
    """A word of a name as headers, constants and languages with capitals inside have it, each once."""
    head, *rest = word.replace("-", "_").split("_")
    if not head:  # only as it is written: `OAuthClient` does not hold `_auth`
        return word, word.upper()
    camel = (head + "".join(part.capitalize() for part in rest), "".join(map(str.capitalize, (head, *rest))))
    return tuple(dict.fromkeys((word, word.upper(), word.capitalize(), word.title(), *camel)))


@cache
def _inner(kind: TokenFormat) -> re.Pattern[str]:
    """The shapes from a literal after a run on: rarer than their beginnings, so that most texts are told by it."""
    return re.compile("|".join(dict.fromkeys(_from_inner_literal(pieces(template)) for template in kind.shapes)))


def _from_inner_literal(parts: Sequence[Piece]) -> str:
    for number, (run, literal) in enumerate(pairwise(parts), 2):
        if isinstance(run, Run) and isinstance(literal, str):
            rest = "".join(re.escape(each) if isinstance(each, str) else each.expression for each in parts[number:])
            return rf"{re.escape(literal)}(?<=[{run.chars}]{{{run.least}}}{re.escape(literal)}){rest}"
    return ""


@cache
def _assignment(kind: TokenFormat) -> re.Pattern[str]:
    return re.compile(assignment(kind) if kind.names else expression(kind))
