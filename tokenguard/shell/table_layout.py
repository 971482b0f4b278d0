"""How a table fits a terminal: one line a row, prose folded, or each row as a block of labelled facts. Pure."""

from collections.abc import Iterator, Sequence

GAP = "  "
_NARROWEST = 24
"""A column of prose that is folded keeps this many characters a line, or as many as its longest word has."""
_COPIED = frozenset({"fix"})
"""Columns of commands."""


def least_widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """How narrow each column may be folded, 0 for one that may not: names, dates, states and commands can be copied."""
    cells = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return [0 if column in _COPIED else _narrowest(each) for column, each in zip(columns, cells, strict=True)]


def _narrowest(cells: Sequence[str]) -> int:
    """The width at which no word is divided; 0 unless a cell is prose."""
    if not any(len(cell) > _NARROWEST and " " in cell for cell in cells):
        return 0
    return max(_NARROWEST, *(len(word) for cell in cells for word in cell.split()))


def width_of(columns: Sequence[str], rows: Sequence[Sequence[str]], folds: Sequence[int] | None = None) -> int:
    """How many characters a table needs; with `folds`, once those columns are as narrow as they can be."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    if folds:
        widths = [min(width, fold) if fold else width for width, fold in zip(widths, folds, strict=True)]
    return sum(widths) + len(GAP) * len(widths)


def block(columns: Sequence[str], row: Sequence[str], width: int) -> tuple[str, Iterator[list[tuple[str, str]]]]:
    """A row that is too wide: what it is about, and lines of labelled facts; empty facts are left out."""
    about = 2 if columns[0] in {"#", ""} else 1  # a number or a level says nothing by itself
    facts = [(label, cell) for label, cell in zip(columns[about:], row[about:], strict=True) if cell]
    return GAP.join(row[:about]), _lines(facts, width)


def _lines(facts: Sequence[tuple[str, str]], width: int) -> Iterator[list[tuple[str, str]]]:
    line: list[tuple[str, str]] = []
    used = 0
    for label, cell in facts:
        needed = len(GAP) + len(label) + 1 + len(cell)
        if line and used + needed > width:
            yield line
            line, used = [], 0
        line.append((label, cell))
        used += needed
    if line:
        yield line
