"""Reads a provider's list of tokens as a person copied it: plain lines, CSV or JSON. Names only; never a value."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NoReturn

from tokenguard.documents import JsonTree, load_json
from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.moment import EARLIEST, missing_day, moment_of
from tokenguard.domain.provider_listing import ListedRow
from tokenguard.errors import InputError
from tokenguard.inventory.csv_rows import csv_rows
from tokenguard.text import is_plain_line, safe_text

MAX_BYTES = 1 << 20
MAX_ROWS = 5_000
_MAX_TEXT = 200
_COLUMNS = {
    "name": "label", "label": "label", "token": "label", "token name": "label",
    "hint": "hint", "key": "hint",
    "drive": "scope", "scope": "scope", "workspace": "scope", "organisation": "scope", "organization": "scope",
    "created": "created_at", "created at": "created_at", "created on": "created_at",
    "last used": "last_used_at", "last used at": "last_used_at", "used": "last_used_at",
    "expires": "expires_at", "expires at": "expires_at", "expiry": "expires_at",
}  # fmt: skip
_TIMES = frozenset({"created_at", "last_used_at", "expires_at"})
_NEVER = frozenset({"", "-", "never", "n/a"})


def read_list(data: bytes, *, source: str) -> list[ListedRow]:
    """The lines of a list, in their order.

    CSV if the first line names columns, JSON if the text begins like it, else one token a line: its name, up to the
    first tab. That there are none must be said (`[]`): an empty file is more likely a mistake.

    Raises:
        InputError: it is too large, a line cannot be read, or holds what looks like a value.
    """
    if len(data) > MAX_BYTES:
        _refuse(source, f"larger than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        _refuse(source, "this is not UTF-8 text")
    if not text.strip():
        raise InputError(
            f"{safe_text(source, one_line=True, limit=200)}: it is empty", hint="write [] if it lists none"
        )
    rows = []
    for place, fields in _reader(text)(text, source):
        rows.append(_row(fields, f"{source}: {place}"))
        if len(rows) > MAX_ROWS:
            _refuse(source, f"more than {MAX_ROWS:,} tokens")
    return rows


def row_of(name: str) -> ListedRow:
    """One line that a person typed; InputError if it cannot be a token's name."""
    return _row({"label": name.partition("\t")[0]}, "that line")


_Fields = Mapping[str, str]


def _reader(text: str) -> Callable[[str, str], Iterable[tuple[str, _Fields]]]:
    if text.lstrip()[:1] in {"[", "{"}:
        return _json
    head = _head(text)
    named = [_meaning(each) for each in head]
    return _csv if "label" in named and (len(named) > 1 or named == ["label"]) else _lines


def _head(text: str) -> list[str]:
    """The fields of the first line; none if it is not CSV."""
    try:
        return next(csv_rows(text.partition("\n")[0]), [])
    except csv.Error:
        return []


def _meaning(column: str) -> str:
    """Which field a column holds; empty for one that we do not read."""
    return _COLUMNS.get(column.strip().lower().replace("_", " "), "")


def _lines(text: str, _source: str) -> Iterator[tuple[str, _Fields]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", {"label": line.partition("\t")[0]}


def _csv(text: str, source: str) -> Iterator[tuple[str, _Fields]]:
    rows = csv_rows(text)
    try:
        names = [_meaning(each) for each in next(rows)]
        if len(set(names) - {""}) != len([name for name in names if name]):
            _refuse(source, "a column occurs twice")
        for number, row in enumerate(rows, 2):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(names):
                _refuse(source, f"row {number} has a different number of fields than the first row")
            yield f"row {number}", {name: cell for name, cell in zip(names, row, strict=True) if name}
    except csv.Error:
        _refuse(source, f"line {rows.line_num} is not valid CSV")


def _json(text: str, source: str) -> Iterator[tuple[str, _Fields]]:
    tree: JsonTree = load_json(text.encode(), source=source, max_bytes=MAX_BYTES, max_nodes=MAX_ROWS * 10)
    items = tree.get("tokens") if isinstance(tree, dict) else tree
    if not isinstance(items, list):
        _refuse(source, "a list of tokens is needed")
    for number, item in enumerate(items, 1):
        fields = {"name": item} if isinstance(item, str) else item
        if not isinstance(fields, dict):
            _refuse(source, f"item {number} is neither a name nor a mapping")
        known = {_meaning(name): each for name, each in fields.items()}
        yield f"item {number}", {name: str(each) for name, each in known.items() if name and each is not None}


def _row(fields: _Fields, place: str) -> ListedRow:
    for text in fields.values():
        if holds_issued(text) or holds_opaque(text.strip()):
            raise InputError(
                f"{place} holds what looks like the value of a token",
                hint="give names only; if this is a value, it has been in a file or on a screen: rotate its token",
            )
    texts = {name: _plain(text, place) for name, text in fields.items() if name not in _TIMES}
    times = {name: _moment(text, place) for name, text in fields.items() if name in _TIMES}
    if not texts.get("label"):
        _refuse(place, "the token's name is missing")
    return ListedRow(
        label=texts["label"],
        hint=texts.get("hint", ""),
        scope=texts.get("scope", ""),
        created_at=times.get("created_at"),
        last_used_at=times.get("last_used_at"),
        expires_at=times.get("expires_at"),
    )


def _plain(text: str, place: str) -> str:
    line = text.strip()
    if len(line) > _MAX_TEXT or not is_plain_line(line):
        _refuse(place, "a field is not one plain line")
    return line


def _moment(text: str, place: str) -> datetime | None:
    """A day or a moment in ISO 8601; None where the list says that there is none."""
    line = text.strip()
    if line.lower() in _NEVER:
        return None
    found = moment_of(line)
    if found is None:
        _refuse(place, missing_day(line) or "a date is not in the form YYYY-MM-DD")
    return found if found >= EARLIEST else None


def _refuse(place: str, reason: str) -> NoReturn:
    raise InputError(
        f"{safe_text(place, one_line=True, limit=200)}: {reason}",
        hint="one name a line, or CSV with the columns name, hint, drive, created, last used, expires",
    ) from None
