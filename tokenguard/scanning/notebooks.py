"""Where in a notebook something was found: people know cells, not lines of the JSON they are kept in."""

import json
import re
from collections.abc import Iterator

from tokenguard.frozen import Frozen

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)  # possessive: linear on any input
_MAX_DEPTH = 64
_Path = tuple[str | int, ...]


class _Token(Frozen, frozen=True):
    start: int
    end: int
    path: _Path


def cell_of(text: str, line: int, column: int) -> str:
    """`3, line 2` or `3, output` for a place in a notebook's JSON; empty if it is in no cell, or this is no notebook.

    Args:
        text: the notebook, with every line end as a line feed.
        line: counts from 1, as the finding has it.
        column: the same, in characters; 1 where only the line is known.
    """
    begin = _offset(text, line)
    at = begin + column - 1
    end = text.find("\n", begin)
    end = len(text) if end < 0 else end
    places = []
    for token in _strings(text):
        if token.start > end:
            break
        if column > 1 and token.start <= at < token.end:
            return _words(token, text, at)
        if token.end > begin:
            places.append(_words(token, text, begin))
    return places[0] if column == 1 and len(set(places)) == 1 else ""


def _words(token: _Token, text: str, offset: int) -> str:
    kind, number, *inside = (*token.path, "", "")
    if kind != "cells" or not isinstance(number, int):
        return ""
    if inside[:1] != ["source"]:
        return f"{number + 1}, output" if inside[:1] == ["outputs"] else f"{number + 1}"
    if isinstance(inside[1], int):
        return f"{number + 1}, line {inside[1] + 1}"
    # one text for all lines, which nbformat allows too
    before = _decoded(text[token.start : offset] + '"')
    return f"{number + 1}, line {before.count(chr(10)) + 1}"


def _decoded(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:  # cut in the middle of an escape
        return text.replace("\\n", "\n")


def _offset(text: str, line: int) -> int:
    offset = 0
    for _ in range(line - 1):
        offset = text.find("\n", offset) + 1
    return offset


def _strings(text: str) -> Iterator[_Token]:
    """Every string that is a value, with its path; stops where the nesting is no notebook's."""
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
    """Move on by one mark of JSON; False where it closes what nobody opened, or opens too much."""
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
