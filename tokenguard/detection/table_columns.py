"""Secrets in columns whose head sounds secret: of CSV files, of tables in Markdown, of INSERT and COPY in SQL.

A row counts if it has as many cells as the head. Cells with line feeds, and heads over several lines, are not read.
"""

import re
import string
from collections.abc import Iterator, Sequence

from tokenguard.detection.secret_names import may_be_secret
from tokenguard.detection.secret_places import SecretPlace

_NAME = (
    r"[\w .-]*(?:passw(?:or)?d|passwort|pwd|secret|token|(?:api|access|secret|private|auth)[_ -]?key)"
    r"(?:[_ -]?(?:value|plain|clear))?"
)
_MARKS = r"[\"'\x60*\[\]]*"
_CELL = rf"{_MARKS}{_NAME}{_MARKS}[ ]?"
_REST = r"[\w .\"'\x60/,;\t|*-]*"
_LINE = rf"^(?:{_REST}[,;\t|][ ]?{_CELL}(?:[,;\t|]{_REST})?|{_CELL}[,;\t|]{_REST})$"
_STATEMENT = rf"\b(?:into|copy)[ \t]+[\w.\x60\"\[\]]+[ \t]*\([^()\n]*?{_CELL}(?:,[^()\n]*)?\)"
HEAD_PATTERN = f"(?im:{_LINE}|{_STATEMENT})"
"""The head of a table, or the columns of a statement, of which one sounds secret."""
_IS_NAME = re.compile(f"(?i){_NAME}")
_TABLE = re.compile(r"(?i)\.(?:csv|tsv|psv|tab)$")
_RULE = re.compile(r"[|: -]*-{3}[|: -]*")
_SIGNS = ",", ";", "\t", "|"
_SQL = re.compile(r"'(?P<value>(?:[^'\\\n]|''|\\.)*)'|[(),;]|[^'(),;]+")
_BEGINS = re.compile(r"(?i)\s*values\s*(?=\()|\s*from\s+stdin[^\n]*\n")
_HASH = re.compile(r"(?i)(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}|\$\w+\$.*|\{\w+\}.*)")
_IS_PASSWORD = re.compile(r"(?i)pass|pwd")
_MARKED = string.whitespace + "\"'`*[]"


def is_table(path: str) -> bool:
    """Whether a file of this name is rows of cells."""
    return _TABLE.search(path) is not None


def all_columns(data: bytes, heads: Sequence[tuple[int, int]], *, table: bool) -> Iterator[SecretPlace]:
    """The secrets below every head in (UTF-8) bytes, each as far as the next one.

    Args:
        data: of the file.
        heads: where they begin and end, in the order of the file.
        table: whether the file is rows of cells.
    """
    for (start, end), (stop, _) in zip(heads, [*heads[1:], (len(data), 0)], strict=False):
        yield from _below(data, start, end, stop, table=table)


def _below(data: bytes, start: int, end: int, stop: int, *, table: bool) -> Iterator[SecretPlace]:
    head, rows = data[start:end].decode("latin-1"), data[end:stop].decode("latin-1")
    if head.endswith(")"):
        yield from _of_statement(head, rows, end)
        return
    first = rows[1:].partition("\n")[0]
    if table or (head.lstrip()[:1] == "|" and _RULE.fullmatch(first.strip())):
        sign = max(_SIGNS, key=head.count) if table else "|"
        yield from _of_lines(head, rows[1:], end + 1, sign)


def _of_lines(head: str, rows: str, at: int, sign: str) -> Iterator[SecretPlace]:
    names = [head[first:last] for first, last in _cells(head, sign)]
    for line in rows.split("\n"):
        if not line.strip():
            return
        cells = _cells(line, sign)
        if len(cells) == len(names):
            for name, (first, last) in zip(names, cells, strict=True):
                yield from _checked(name, line[first:last], at + first)
        at += len(line) + 1


def _cells(line: str, sign: str) -> list[tuple[int, int]]:
    """Where the content of each cell begins and ends."""
    found = re.finditer(rf"[ ]*(?:\"(?P<quoted>(?:[^\"]|\"\")*)\"[ ]*|(?P<bare>[^{sign}]*))(?:[{sign}]|\Z)", line)
    return [each.span(each.lastgroup or 0) for each in found]


def _of_statement(head: str, rows: str, at: int) -> Iterator[SecretPlace]:
    names = head[head.rindex("(") + 1 : -1].split(",")
    begins = _BEGINS.match(rows)
    if begins is None:
        return
    if begins[0].rstrip(" \t").endswith("\n"):
        yield from _of_lines("\t".join(names), rows[begins.end() :].partition("\n\\.")[0], at + begins.end(), "\t")
        return
    depth = column = 0
    for part in _SQL.finditer(rows, begins.end()):
        text = part[0]
        if text == "(":
            depth, column = depth + 1, 0 if depth == 0 else column
        elif text == ")":
            depth -= 1
        elif text == "," and depth == 1:
            column += 1
        elif depth == 0 and text.strip() not in ("", ","):
            return
        elif part["value"] and depth == 1 and column < len(names):
            yield from _checked(names[column], part["value"], at + part.start("value"))


def _checked(head: str, cell: str, at: int) -> Iterator[SecretPlace]:
    """The value of a cell, if the head sounds secret and the value is more than a word, a number or a hash."""
    name, value = head.strip(_MARKED), cell.strip(_MARKED)
    if not value or _IS_NAME.fullmatch(name) is None:
        return
    hashed = _IS_PASSWORD.search(name) is not None and _HASH.fullmatch(value) is not None
    varied = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    if varied and not hashed and may_be_secret(value, "password", quoted=True):
        begin = at + cell.index(value)
        read = value.encode("latin-1").decode("utf-8", "replace")
        yield SecretPlace(begin, begin + len(value), re.sub(r"[^\w.-]+", "_", name), read)
