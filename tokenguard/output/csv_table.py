"""CSV for spreadsheets: no cell is a formula to them, and a table that was written here reads back as it was."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from tokenguard.text import safe_text

_FORMULA = re.compile(r"'*\s*[=+\-@|%]")
_NUMBER = re.compile(r"-?[0-9]+")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """The table with a header; every cell is quoted, and a missing one is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(text) for name, text in row.items()} for row in rows)
    return out.getvalue()


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the cell instead of showing it."""
    return not text.startswith("'") and _begins_formula(text)


def cell_content(text: str) -> str:
    """What a cell says, without the quote that `csv_text` puts before what could begin a formula."""
    return text[1:] if text.startswith("'") and _begins_formula(text[1:]) else text


def _cell(text: str) -> str:
    shown = safe_text(text, one_line=True)
    return f"'{shown}" if _begins_formula(shown) else shown


def _begins_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None
