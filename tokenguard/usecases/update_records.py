"""The use case of `import --update`: changes records to what a list says that `list` wrote and a person edited."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from tokenguard.documents import JsonTree
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import token_name
from tokenguard.domain.token import CredentialKind, Record
from tokenguard.errors import InputError, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.inventory.readers import COLUMNS, FileFormat, read_rows
from tokenguard.inventory.record_changes import RecordChanges, ValueInRecord
from tokenguard.inventory.record_table import (
    CHANGEABLE,
    FIXED,
    LISTS,
    NO_CONSUMERS,
    OBSERVED,
    Cell,
    cell_text,
    revision_of,
    texts_of,
)
from tokenguard.output.csv_table import cell_content, is_formula
from tokenguard.text import safe_text
from tokenguard.usecases.edit_records import EditPlanner
from tokenguard.usecases.edit_token import RecordEdit
from tokenguard.usecases.given_facts import OBSERVED as OBSERVED_SCOPE
from tokenguard.usecases.given_facts import changes_from
from tokenguard.usecases.parts import WritesRecords

_KEYS = ("id", "revision")
_READ = frozenset({*_KEYS, *CHANGEABLE, *FIXED, *OBSERVED})
_NEVER_EMPTY = frozenset({"name", "provider", "kind", "location"})
_OPTION = {"created_at": "created", "location": "adopt"}
_HINT = "nothing was written; correct the file"
_MOST_FIELDS = 80


class UpdateRow(Frozen, frozen=True, kw_only=True):
    """One row of the list."""

    place: str
    """The file and the row, for errors."""
    noun: str
    """What errors call one of its cells."""
    keys: Mapping[str, str]
    cells: Mapping[str, Cell]


def plan_update(parts: WritesRecords, data: bytes, form: FileFormat, *, source: str) -> list[RecordEdit]:
    """The checked changes of the records that differ from the list; nothing is written.

    Args:
        parts: what it takes of the process.
        data: the list, as `list --format csv` or `json` writes it; columns may be left out.
        form: which of the two.
        source: how errors name it.

    Raises:
        InputError: the list or one of its cells is not acceptable, with its place.
        Unfinished: an operation on a token is open.
    """
    rows = list(_rows(data, form, source))
    known = list(parts.store.scan())
    by_id = {str(each.id): each for each in known}
    by_name = {str(each.document.record.name): each for each in known}
    planner, places, edits = EditPlanner(parts), dict[str, str](), list[RecordEdit]()
    for row in rows:
        snapshot = _meant(row, by_id, by_name)
        if snapshot.id in places:
            _refuse(row.place, f"{snapshot.document.record.name} is also in {places[snapshot.id]}")
        places[snapshot.id] = row.place
        changes = _changes(row, snapshot.document.record)
        if changes.given():
            edits.append(_planned(planner, row, snapshot, changes))
    return [edit for edit in edits if edit.changed]


def _planned(planner: EditPlanner, row: UpdateRow, snapshot: Snapshot, changes: RecordChanges) -> RecordEdit:
    try:
        return planner.plan(snapshot, changes)
    except TokenguardError as error:
        error.message = f"{row.place}: {error.message}"
        raise


def _meant(row: UpdateRow, by_id: Mapping[str, Snapshot], by_name: Mapping[str, Snapshot]) -> Snapshot:
    """The token of a row: by its id, which stays when it is renamed, else by its name."""
    identifier, name = row.keys.get("id", ""), cell_text("name", row.cells.get("name"))
    found = by_id.get(identifier) if identifier else by_name.get(name)
    if found is None:
        _refuse(row.place, "there is no such token", "new tokens are added by `import` without --update")
    return found


def _changes(row: UpdateRow, record: Record) -> RecordChanges:
    """What the row says otherwise than the record.

    A row of an older revision must not undo what has changed since. Where nothing differs it does no harm.
    """
    current, given = texts_of(record), dict[str, Any]()
    stale = row.keys.get("revision", "") not in {"", revision_of(record)}
    for column, cell in row.cells.items():
        place = f"{row.place}, {row.noun} {column}"
        if cell_text(column, cell) == current[column]:
            continue
        if column in FIXED and not stale:
            _refuse(
                place,
                "operations such as rotate change this, an import does not",
                "leave it as it was, or leave it out",
            )
        if column in FIXED:
            continue
        if stale:
            _refuse(
                place, f"{record.name} was changed after this list was written", "write the list again, and edit it"
            )
        given |= _checked(column, cell, place)
    name = given.pop("name", None)
    return changes_from(given, name=name)


def _checked(column: str, cell: Cell, place: str) -> dict[str, Any]:
    """The cell as an option of `edit`; InputError with its place, and never with its content."""
    text = cell_text(column, cell)
    if not text and column in _NEVER_EMPTY:
        _refuse(place, "it cannot be empty")
    if column == "consumers" and not text:
        _refuse(place, "declared consumers cannot become undeclared", f"write {NO_CONSUMERS} if there are none")
    try:
        if column == "name":
            return {"name": token_name(text)}
        found = {_OPTION.get(column, column): text} if column not in LISTS else _listed(column, cell)
        if found == {"scope": OBSERVED_SCOPE.kind}:
            found = {"scope": str(OBSERVED_SCOPE)}
        if column == "kind":
            CredentialKind(text)
        changes_from(found)
    except ValueInRecord as error:
        _refuse(place, "it looks like a token value", error.hint)
    except InputError as error:
        _refuse(place, "it is not valid", error.hint)
    except ValueError:
        _refuse(place, "it is not valid", f"use one of: {', '.join(CredentialKind)}")
    return found


def _listed(column: str, cell: Cell) -> dict[str, Any]:
    items = cell if isinstance(cell, tuple) else tuple(part.strip() for part in (cell or "").split(";"))
    items = tuple(item for item in items if item)
    if column == "permissions":
        return {"permissions": items or ("",)}
    return {"no_consumers": True} if items in {(), (NO_CONSUMERS,)} else {"deliver": items}


def _rows(data: bytes, form: FileFormat, source: str) -> Iterator[UpdateRow]:
    for place, row in read_rows(data, form, source, _columns, most_fields=_MOST_FIELDS):
        where = f"{_shown(source)}: {place}"
        cells = {
            column: _cell(content, f"{where}, {form.field_noun} {column}", column, quoted=form is FileFormat.CSV)
            for column, content in row.items()
            if column not in OBSERVED
        }
        keys = {key: cell_text(key, cells.pop(key)) for key in _KEYS if key in cells}
        yield UpdateRow(place=where, noun=form.field_noun, keys=keys, cells=cells)


def _cell(content: JsonTree, place: str, column: str, *, quoted: bool) -> Cell:
    if column == "location" and isinstance(content, dict):
        content = content.get("url")
    if content is None or (isinstance(content, str) and not quoted):
        return content
    if isinstance(content, str):
        if is_formula(content):
            _refuse(place, "this begins like a formula", "if it is text, put a quote (') before it")
        return cell_content(content).strip()
    if not isinstance(content, list) or column not in LISTS:
        _refuse(place, "this is not text")
    return tuple(_item(item, place) for item in content)


def _item(item: JsonTree, place: str) -> str:
    if not isinstance(item, str):
        _refuse(place, "a list may contain only text")
    return item


def _columns(names: Sequence[str], source: str, noun: str) -> list[str]:
    """The columns by their meaning; InputError for one that is unknown, double or has values."""
    found = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in names]
    meant = [name if name in _READ else _meaning(name) for name in found]
    for number, name in enumerate(meant, 1):
        place = f"{_shown(source)}: {noun} {number}"
        if name == "value":
            _refuse(place, "an update changes no value", f"leave the {noun} out; `tokenguard rotate` replaces values")
        if name not in _READ:
            _refuse(place, "its name is not known", f"known {noun}s are {', '.join((*_KEYS, *CHANGEABLE))}")
        if name in meant[: number - 1]:
            _refuse(place, "it occurs twice")
    if not {"id", "name"} & set(meant):
        _refuse(
            _shown(source), f"it has no {noun} named id or name", "`tokenguard list --format csv` writes such a list"
        )
    return meant


def _meaning(name: str) -> str:
    meaning = COLUMNS.get(name, "")
    return {"created": "created_at"}.get(meaning, meaning)


def _shown(source: str) -> str:
    return safe_text(source, one_line=True, limit=200)


def _refuse(place: str, reason: str, hint: str = _HINT) -> NoReturn:
    raise InputError(f"{place}: {reason}", hint=hint) from None
