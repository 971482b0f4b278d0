"""Reads lists of tokens from .env, CSV and JSON files into drafts; caps what a file may hold, and quotes nothing."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum, unique
from pathlib import PurePath
from typing import NoReturn

from tokenguard.documents import JsonTree, load_json
from tokenguard.domain.secret import Secret
from tokenguard.domain.token_fields import FIELDS
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, field
from tokenguard.inventory.csv_rows import csv_rows
from tokenguard.inventory.record_table import NO_CONSUMERS
from tokenguard.inventory.utf8_file import decoded, refuse

MAX_BYTES = 16 << 20
MAX_DRAFTS = 20_000
_HINT = "nothing was imported; correct the file, or see --file-format"
_OBJECT = "nothing was imported; if it has names and values, export them as .env and import that file"
_LISTS = frozenset({"permissions", "consumers"})
_VALUE = "value"
COLUMNS = {
    **{
        name: name
        for name in (
            "name", "provider", "kind", "scope", *(each.name for each in FIELDS if each.declared), "permissions",
            "consumers", "due", "created", "location", _VALUE,
        )
    },
    "env": "environment",
    "deliver": "consumers",
    "adopt": "location",
    "token": _VALUE,
    "created_at": "created",
    "created_on": "created",
}  # fmt: skip
"""What a column may be called, and what it means."""
Columns = Callable[[Sequence[str], str, str], list[str]]


@unique
class FileFormat(StrEnum):
    """How a file lists tokens."""

    ENV = "env"
    CSV = "csv"
    JSON = "json"

    @classmethod
    def of(cls, file_name: str) -> "FileFormat":
        """The format by a file's name; InputError if it tells none."""
        name = PurePath(file_name).name.lower()
        if name.startswith(".env") or name.endswith(".env"):
            return cls.ENV
        for known in (cls.CSV, cls.JSON):
            if name.endswith(f".{known}"):
                return known
        raise InputError("the format cannot be read from the file's name", hint="give --file-format env, csv or json")

    @property
    def field_noun(self) -> str:
        """What errors call one part of a row."""
        return "column" if self is FileFormat.CSV else "field"


class TokenDraft(Frozen, frozen=True, kw_only=True):
    """One token as a file describes it, unchecked."""

    place: str
    """`line 3`, `row 2`, `item 1`."""
    variable: str = ""
    """In a .env file, the variable's name."""
    texts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    value: Secret | None = None
    also: tuple[str, ...] = ()
    """Addresses of other places that hold the same value."""


_OF_A_LIST = frozenset({"id", "revision"})
"""Columns that only a list of tokenguard's own has."""


def read_drafts(data: bytes, form: FileFormat, *, source: str) -> list[TokenDraft]:
    """Read a file's tokens, in its order.

    Args:
        data: the file's bytes.
        form: how it lists them.
        source: how errors name it.

    Raises:
        InputError: the file as a whole is not acceptable.
    """
    readers: dict[FileFormat, Callable[[bytes, str], Iterator[TokenDraft]]] = {
        FileFormat.ENV: _env,
        FileFormat.CSV: _csv,
        FileFormat.JSON: _json,
    }
    drafts: list[TokenDraft] = []
    for draft in readers[form](data, source):
        drafts.append(draft)
        if len(drafts) > MAX_DRAFTS:
            _refuse(source, f"more than {MAX_DRAFTS:,} tokens")
    return drafts


def _env(data: bytes, source: str) -> Iterator[TokenDraft]:
    from dotenv.parser import parse_stream  # only an import needs it

    for binding in parse_stream(io.StringIO(_text(data, source))):
        if binding.error:
            _refuse(f"{source}:{binding.original.line}", "this is not a line of a .env file")
        if binding.key is not None and binding.value:
            place = f"line {binding.original.line}"
            yield TokenDraft(place=place, variable=binding.key, value=Secret(binding.value))


def _csv(data: bytes, source: str) -> Iterator[TokenDraft]:
    for place, row in read_rows(data, FileFormat.CSV, source, _columns):
        yield _draft(place, row, source)


def _json(data: bytes, source: str) -> Iterator[TokenDraft]:
    for place, row in read_rows(data, FileFormat.JSON, source, _columns):
        yield _draft(place, row, source)


def read_rows(
    data: bytes, form: FileFormat, source: str, columns: Columns, *, most_fields: int = len(COLUMNS)
) -> Iterator[tuple[str, dict[str, JsonTree]]]:
    """Read a table's rows, each with its place; empty ones are left out.

    Args:
        data: the file's bytes.
        form: CSV with a header, or a JSON list of objects, bare or under `tokens`.
        source: how errors name it.
        columns: gives what the columns mean for their names, place and noun; InputError for those that it refuses.
        most_fields: how many values a JSON object holds at most, on average.

    Raises:
        InputError: the file is not such a table.
    """
    if form is FileFormat.CSV:
        yield from _csv_rows(data, source, columns)
        return
    tree = load_json(data, source=source, max_bytes=MAX_BYTES, max_nodes=MAX_DRAFTS * most_fields)
    items = tree["tokens"] if isinstance(tree, dict) and set(tree) - {"passed_over"} == {"tokens"} else tree
    if not isinstance(items, list):
        _refuse(source, "JSON must be a list of records", _OBJECT if isinstance(items, dict) else _HINT)
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            _refuse(source, f"item {number} is not a mapping")
        names = columns(list(item), f"{source}: item {number}", form.field_noun)
        yield f"item {number}", dict(zip(names, item.values(), strict=True))


def _csv_rows(data: bytes, source: str, columns: Columns) -> Iterator[tuple[str, dict[str, JsonTree]]]:
    rows = csv_rows(_text(data, source))
    try:
        names = columns(next(rows, []), source, FileFormat.CSV.field_noun)
        for number, row in enumerate(rows, 2):
            if row and len(row) != len(names):
                _refuse(source, f"row {number} has a different number of fields than the first row")
            if any(row):
                yield f"row {number}", dict(zip(names, row, strict=True))
    except csv.Error:
        _refuse(f"{source}:{rows.line_num}", "this is not valid CSV")


def _draft(place: str, fields: Mapping[str, JsonTree], source: str) -> TokenDraft:
    texts, lists = {}, {}
    for name, content in fields.items():
        if name in _LISTS:
            lists[name] = _listed(name, content, f"{source}: {place}")
        elif isinstance(content, str):
            texts[name] = content.strip()
        elif content is not None:
            _refuse(f"{source}: {place}", f"{name} is not text")
    value = texts.pop(_VALUE, "")
    return TokenDraft(
        place=place,
        texts={name: text for name, text in texts.items() if text},
        lists={name: items for name, items in lists.items() if items is not None},
        value=Secret(value) if value else None,
    )


def _listed(name: str, content: JsonTree, place: str) -> tuple[str, ...] | None:
    """A list of text, or text with semicolons between; None if the file does not say, empty if it says `none`."""
    items = content.split(";") if isinstance(content, str) else content
    if items is None:
        return None
    if not isinstance(items, list):
        _refuse(place, "a list field is not a list")
    found = tuple(_plain(item, place) for item in items if item != "")
    if name == "consumers" and found == (NO_CONSUMERS,):
        return ()
    return found if found or isinstance(content, list) else None


def _plain(item: JsonTree, place: str) -> str:
    if not isinstance(item, str):
        _refuse(place, "a list may contain only text")
    return item.strip()


def _columns(names: Sequence[str], source: str, noun: str) -> list[str]:
    found = [COLUMNS.get(name.strip().lower().replace(" ", "_").replace("-", "_"), "") for name in names]
    if not found:
        _refuse(source, "it is empty")
    if "" in found:
        listed = f"known {noun}s are {', '.join(sorted(set(COLUMNS.values())))}"
        if _OF_A_LIST.issubset(names):
            listed = "this is a list of `tokenguard list`: `tokenguard import --update FILE` reads it back"
        _refuse(source, f"{noun} {found.index('') + 1} has an unknown name", f"nothing was imported; {listed}")
    if len(set(found)) != len(found):
        _refuse(source, f"a {noun} occurs twice")
    return found


def _text(data: bytes, source: str) -> str:
    return decoded(data, source=source, max_bytes=MAX_BYTES, hint=_HINT)


def _refuse(source: str, reason: str, hint: str = _HINT) -> NoReturn:
    refuse(source, reason, hint)
