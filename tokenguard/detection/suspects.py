"""Tells, of many texts at once, what could be found in each: a few searches in all of them joined.

To ask each of thousands of small texts by itself takes longer than all that is looked for in them. Every expression
here matches more than what it stands for, by what a line holds. A text that no match touches is one in which the same
question, asked about it alone, is answered with no (`tests/property/test_suspects.py`).
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate

from tokenguard.detection.assignments import ASSIGNED_PATTERN, any_others
from tokenguard.detection.disguise_marks import mark_patterns
from tokenguard.detection.encoded_tokens import literals
from tokenguard.detection.escaped_signs import bytes_without_escapes
from tokenguard.detection.extras import ANCHORS
from tokenguard.detection.match import Possible
from tokenguard.detection.prefilter import prefilter
from tokenguard.detection.regex_set import Regex, any_of, loosened, regex
from tokenguard.detection.secret_places import PATTERNS
from tokenguard.detection.token_matcher import possible_shapes
from tokenguard.frozen import Frozen

MANIFEST = (
    r"(?:[kK]|\xe2\x84\xaa)(?:[iI]|\xc4[\xb0\xb1])[nN][dD][\"']?[ \t]*:[ \t]*[\"']?"
    r"(?:[sS]|\xc5\xbf)[eE][cC][rR][eE][tT]|auths"
)
"""Also with the letters beyond ASCII that count as one of these in any case."""


class Suspects(Frozen, frozen=True):
    """The numbers of texts in which something of a kind could be found."""

    shapes: set[int]
    assignments: set[int]
    rules: set[int]

    def possible(self, number: int) -> Possible:
        """What could be found in this one."""
        found = Possible.NOTHING
        for numbers, kind in (
            (self.shapes, Possible.SHAPES),
            (self.assignments, Possible.ASSIGNMENTS),
            (self.rules, Possible.RULES),
        ):
            if number in numbers:
                found |= kind
        return found


class _Question(Frozen, frozen=True):
    """What touches a text that is meant: a match with so many different bytes."""

    expression: Regex
    distinct: int = 0


def suspects(texts: Sequence[bytes], rebuilt: Sequence[bool]) -> Suspects:
    """Which of them could hold something.

    Args:
        texts: UTF-8, with line feeds only; each is whole lines.
        rebuilt: of each, whether detect-secrets may look at other lines than its own.
    """
    every = _Joined(texts, range(len(texts)))
    unescaped = _Joined(texts, range(len(texts)), unescape=True)
    own = _Joined(texts, [number for number, other in enumerate(rebuilt) if not other])
    others = _Joined(texts, [number for number, other in enumerate(rebuilt) if other])
    return Suspects(
        shapes=every.touched(_marks()) | unescaped.touched(_shapes()),
        assignments=every.touched(_assignments()),
        rules=own.touched(_in_lines()) | others.touched(_in_traces()),
    )


class _Joined:
    """Some of the texts, one after another."""

    def __init__(self, texts: Sequence[bytes], asked: Sequence[int], *, unescape: bool = False) -> None:
        self._asked = asked
        data = b"\n".join([texts[number] for number in asked])
        self._data = bytes_without_escapes(data) if unescape else data
        self._ends = [*accumulate(len(texts[number]) + 1 for number in asked)]

    def touched(self, questions: Iterable[_Question]) -> set[int]:
        """The numbers of those that a match touches."""
        found = set[int]()
        for each in questions:
            at = 0
            while at < len(self._data) and (match := each.expression.search(self._data, at)):
                start, end = match.span()
                if each.distinct and len(set(self._data[start:end])) < each.distinct:
                    at = end - 1  # one quote may end and begin
                    continue
                first, last = (bisect_right(self._ends, place) for place in (start, end - 1))
                found.update(self._asked[first : last + 1])
                at = self._ends[last]
        return found


@cache
def _assignments() -> tuple[_Question, ...]:
    return (
        _any_of(map(loosened, (ASSIGNED_PATTERN, *PATTERNS))),
        *map(_Question, any_others()),
    )


@cache
def _marks() -> tuple[_Question, ...]:
    """For what is told from vendors' formats: signed addresses, forms of their own, manifests, disguises."""
    return _any_of((*ANCHORS, MANIFEST)), *(_Question(regex(each)) for each in mark_patterns())


@cache
def _shapes() -> tuple[_Question, ...]:
    """For vendors' formats and base64 of them, in a text without escapes that end in a letter."""
    return tuple(_any_of(each) for each in (*possible_shapes(), sorted(map(re.escape, literals()))))


@cache
def _in_lines() -> tuple[_Question, ...]:
    return tuple(_Question(*each) for each in prefilter().in_lines())


@cache
def _in_traces() -> tuple[_Question, ...]:
    return tuple(_Question(*each) for each in prefilter().in_traces())


def _any_of(expressions: Iterable[str]) -> _Question:
    return _Question(regex(any_of(expressions)))
