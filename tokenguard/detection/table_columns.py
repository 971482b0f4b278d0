"""Secrets in columns whose head sounds secret: of CSV files, of tables in Markdown and of databases' clients, of SQL.

A row counts if it has as many cells as the head. Cells of CSV with line feeds are not read.
"""

import re
import string
from collections.abc import Iterator, Sequence

from tokenguard.detection.secret_names import may_be_secret
from tokenguard.detection.secret_places import SecretPlace
from tokenguard.detection.sql_columns import NAMED_CELL, STATEMENT, cells_of_statement, is_statement

_NAME = (
    r"[\w .-]*(?:passw(?:or)?d|passwort|pwd|secret|token"
    r"|(?:api|access|account|admin|app|auth|client|encryption|private|secret|signing|storage)[_ -]?key)"
    r"(?:[_ -]?(?:value|plain|clear))?"
)
_MARKS = r"[\"'\x60*\[\]]*"
_CELL = rf"{_MARKS}{_NAME}{_MARKS}[ ]*"
_REST = r"[\w .\"'\x60/,;\t|*-]*"
_LINE = rf"^(?:{_REST}[,;\t|][ ]?{_CELL}(?:[,;\t|]{_REST})?|{_CELL}[,;\t|]{_REST})$"
HEAD_PATTERN = f"(?im:{_LINE}|{STATEMENT.replace(NAMED_CELL, _CELL)})"
"""The head of a table, or the columns of a statement, of which one sounds secret."""
_IS_NAME = re.compile(f"(?i){_NAME}")
_TABLE = re.compile(r"(?i)\.(?:csv|tsv|psv|tab)$")
_RULE = re.compile(r"[|:+ -]*-{3}[|:+ -]*|[+=]*={3}[+=]*")
_SIGNS = ",", ";", "\t", "|"
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
    text = data[start:stop].decode("latin-1")
    head, rows = text[: end - start], text[end - start :]
    if is_statement(head):
        for name, cell, at in cells_of_statement(text, len(head)):
            yield from _checked(name, cell, start + at)
        return
    first = rows[1:].partition("\n")[0]
    if table or ("|" in head and _RULE.fullmatch(first.strip())):
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
