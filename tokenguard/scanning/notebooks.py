"""Where in a notebook something was found: people know cells, not lines of the JSON they are kept in."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator

from tokenguard.frozen import Frozen

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)  # possessive: linear on any input
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_BREAKS = frozenset({"\\n", "\\u000a", "\\u000A"})
_MAX_DEPTH = 64
_Path = tuple[str | int, ...]

Place = tuple[int, int]
"""Line and column, from 1, as a finding has them; column 1 also where only the line is known."""


class _Token(Frozen, frozen=True):
    start: int
    end: int
    path: _Path


class _FindingLine:
    """A line of the file on which something was found."""

    def __init__(self, number: int, begin: int, end: int) -> None:
        self.number, self.begin, self.end = number, begin, end
        self.columns: list[int] = []
        self.somewhere: set[str] = set()

    def within(self, start: int, end: int) -> Iterator[int]:
        """The columns of this part of the text, but for the one that says nothing."""
        at = bisect_left(self.columns, max(start - self.begin + 1, 2))
        while at < len(self.columns) and self.begin + self.columns[at] <= end:
            yield self.columns[at]
            at += 1


def cells_of(text: str, places: Collection[Place]) -> dict[Place, str]:
    """`3, line 2` or `3, output` for each place in a notebook's JSON that is in a cell, in one pass for all of them.

    Args:
        text: the notebook, with every line end as a line feed; of what is none, nothing is said.
        places: where something was found.
    """
    cells: dict[Place, str] = {}
    ahead = _lines(text, places)
    first = 0
    for token in _strings(text):
        while first < len(ahead) and ahead[first].end < token.start:
            first += 1
        if first == len(ahead):
            break
        words = _Words(token, text)
        at = first
        while at < len(ahead) and ahead[at].begin < token.end:
            line = ahead[at]
            for column in line.within(token.start, token.end):
                cells[line.number, column] = words.at(line.begin + column - 1)
            if line.columns[0] == 1:
                line.somewhere.add(words.at(line.begin))
            at += 1
    cells |= {(line.number, 1): next(iter(line.somewhere)) for line in ahead if len(line.somewhere) == 1}
    return {place: cell for place, cell in cells.items() if cell}


def _lines(text: str, places: Collection[Place]) -> list[_FindingLine]:
    lines: list[_FindingLine] = []
    number, begin = 1, 0
    for line, column in sorted(set(places)):
        while number < line and begin <= len(text):
            number, begin = number + 1, (text.find("\n", begin) + 1) or len(text) + 1
        if not lines or lines[-1].number != line:
            end = text.find("\n", begin)
            lines.append(_FindingLine(line, begin, len(text) if end < 0 else end))
        lines[-1].columns.append(column)
    return lines


class _Words:
    """What is said of places in one string, asked for from left to right."""

    def __init__(self, token: _Token, text: str) -> None:
        self._text = text
        self._kind, self._number, *self._inside = (*token.path, "", "")
        self._read, self._breaks = token.start, 0

    def at(self, offset: int) -> str:
        """The cell, and in it the line."""
        if self._kind != "cells" or not isinstance(self._number, int):
            return ""
        cell, inside = self._number + 1, self._inside
        if inside[:1] != ["source"]:
            return f"{cell}, output" if inside[:1] == ["outputs"] else f"{cell}"
        if isinstance(inside[1], int):
            return f"{cell}, line {inside[1] + 1}"
        return f"{cell}, line {self._breaks_before(offset) + 1}"  # one text for all lines, which nbformat allows too

    def _breaks_before(self, offset: int) -> int:
        for escape in _ESCAPE.finditer(self._text, self._read, offset):
            self._breaks += escape.group() in _BREAKS
            self._read = escape.end()
        if self._text[offset - 1 : offset] != "\\":  # else an escape may begin there
            self._read = max(self._read, offset)
        return self._breaks


def _strings(text: str) -> Iterator[_Token]:
    """Every string that is a value, with its path; stops where the nesting is not a notebook's."""
    path: list[str | int] = []
    key = ""
    for found in _TOKEN.finditer(text):
        mark = found.group()
        if mark.startswith('"'):
            key = mark[1:-1]
            if text[found.end() : found.end() + 2].lstrip()[:1] != ":":
                yield _Token(found.start(), found.end(), tuple(path))
        elif not _follow(path, mark, key):
            return


def _follow(path: list[str | int], mark: str, key: str) -> bool:
    """Consume one JSON delimiter; False for an unmatched closing one or for too deep nesting."""
    if mark in "{[":
        path.append(0 if mark == "[" else "")
    elif mark in "}]":
        if not path:
            return False
        path.pop()
    elif path and mark == "," and isinstance(path[-1], int):
        path[-1] += 1
    elif path and mark == ":" and isinstance(path[-1], str):
        path[-1] = key
    return len(path) <= _MAX_DEPTH
