"""Values that SQL puts into columns: the rows of INSERT and COPY, with columns as listed there or in CREATE TABLE."""

import re
from collections.abc import Iterator

NAMED_CELL = "{cell}"
_TABLE = r"[\w.\x60\"\[\]]+"
_COMMENT = r"(?:--[^\n]*|/\*[^*]*\*/)"
_LISTED = rf"\b(?:into|copy)\s+{_TABLE}\s*\([^()]*?{NAMED_CELL}\s*{_COMMENT}?\s*(?:,[^()]*)?\)"
_CREATED = (
    rf"\bcreate[ \t]+table[ \t]+(?:if[ \t]+not[ \t]+exists[ \t]+)?{_TABLE}\s*\((?:[^;]*?,)?\s*{NAMED_CELL}[ \t]+\w"
)
STATEMENT = f"(?:{_LISTED}|{_CREATED})"
"""The columns of a statement, up to one that `NAMED_CELL` stands for."""
_IS_CREATED = re.compile(r"(?i)create[ \t]")
_TABLE_NAME = re.compile(rf"(?i)(?:table|exists|into|copy)\s+({_TABLE})\s*\(")
_VALUES = re.compile(r"(?i)\s*values\s*(?=\()")
_FROM_INPUT = re.compile(r"(?i)\s*from\s+stdin[^\n]*\n")
_NO_COLUMN = re.compile(r"(?i)\s*(?:primary|unique|key|index|constraint|foreign|check|fulltext)\b")
_PARTS = re.compile(rf"{_COMMENT}|'(?P<value>(?:[^'\\\n]|''|\\.)*)'|[(),;]|[^'(),;/-]+|[/-]")
_COMMENTS = re.compile(_COMMENT)

Cell = tuple[str, str, int]
"""The name of a column, a value in it, and where the value begins."""


def is_statement(head: str) -> bool:
    """Whether the head of a table is the columns of a statement."""
    return head.endswith(")") or _IS_CREATED.match(head) is not None


def cells_of_statement(text: str, head_end: int) -> Iterator[Cell]:
    """What the statement puts into each column, whose head is `text[:head_end]`."""
    if _IS_CREATED.match(text):
        yield from _of_created(text, head_end)
        return
    head = text[:head_end]
    names = _COMMENTS.sub("", head[head.index("(") + 1 : -1]).split(",")
    copied = _FROM_INPUT.match(text, head_end)
    if copied is not None:
        yield from _of_lines(names, text, copied.end())
        return
    begins = _VALUES.match(text, head_end)
    if begins is not None:
        yield from _of_rows(names, text, begins.end())


def _of_created(text: str, head_end: int) -> Iterator[Cell]:
    """The rows of INSERT statements without columns, into a table whose columns are given before."""
    table = _TABLE_NAME.search(text)
    if table is None:
        return
    names = list[str]()
    depth, begun, end = 0, table.end(), len(text)
    for part in _PARTS.finditer(text, table.end()):
        depth += (part[0] == "(") - (part[0] == ")")
        if depth < 0 or (part[0] == "," and depth == 0):
            names += _column(text[begun : part.start()])
            begun = part.end()
        if depth < 0:
            end = part.end()
            break
    again = re.compile(rf"(?i)\binto\s+{re.escape(table[1])}\s+values\s*(?=\()")
    for inserted in again.finditer(text, max(end, head_end)):
        yield from _of_rows(names, text, inserted.end())


def _column(definition: str) -> list[str]:
    plain = _COMMENTS.sub("", definition)
    return [] if not plain.strip() or _NO_COLUMN.match(plain) else plain.split()[:1]


def _of_rows(names: list[str], text: str, at: int) -> Iterator[Cell]:
    depth = column = 0
    for part in _PARTS.finditer(text, at):
        sign = part[0]
        if sign == "(":
            depth, column = depth + 1, 0 if depth == 0 else column
        elif sign == ")":
            depth -= 1
        elif sign == "," and depth == 1:
            column += 1
        elif depth == 0 and sign.strip() not in ("", ",") and not _COMMENTS.match(sign):
            return
        elif part["value"] and depth == 1 and column < len(names):
            yield names[column], part["value"], part.start("value")


def _of_lines(names: list[str], text: str, at: int) -> Iterator[Cell]:
    """The rows of COPY, with a tab between two cells."""
    for line in text[at:].partition("\n\\.")[0].split("\n"):
        cells = line.split("\t")
        if not line.strip():
            return
        if len(cells) == len(names):
            begin = at
            for name, cell in zip(names, cells, strict=True):
                yield name, cell, begin
                begin += len(cell) + 1
        at += len(line) + 1
