"""Presents changes of several records: what differs, and what was written."""

from collections.abc import Sequence
from typing import Any

from tokenguard.inventory.record_table import differences
from tokenguard.rotation.batch import BatchResult
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.edit_token import RecordEdit

_NOTHING = "-"


def show_changes(wiring: Wiring, edits: Sequence[RecordEdit]) -> None:
    """One row for each field that changes; nothing where one document follows."""
    if wiring.screen.as_json:
        return
    if edits:
        wiring.screen.table(("token", "field", "is", "becomes"), _rows(edits))
    else:
        wiring.screen.line("nothing differs from the records")


def changes_lines(edits: Sequence[RecordEdit]) -> str:
    """The same, for a person whose standard output goes elsewhere."""
    return "\n".join(f"{name}: {column} {before} becomes {after}" for name, column, before, after in _rows(edits))


def show_written(wiring: Wiring, edits: Sequence[RecordEdit], results: Sequence[BatchResult]) -> None:
    """The errors of records that could not be changed, and how many were; for programs every change."""
    for result in results:
        if result.error is not None:
            wiring.progress.note(result.failure)
    written = {result.name for result in results if result.error is None}
    if not wiring.screen.as_json:
        if edits:
            wiring.screen.line(f"{pluralize(len(written), 'record')} changed")
        return
    wiring.screen.document({"changes": [_document(edit, written=edit.before.name in written) for edit in edits]})


def _rows(edits: Sequence[RecordEdit]) -> list[tuple[str, str, str, str]]:
    return [
        (edit.before.name, column, before or _NOTHING, after or _NOTHING)
        for edit in edits
        for column, before, after in differences(edit.before, edit.after)
    ]


def _document(edit: RecordEdit, *, written: bool) -> dict[str, Any]:
    fields = differences(edit.before, edit.after)
    return {
        "name": edit.before.name,
        "written": written,
        "fields": [{"field": column, "is": before, "becomes": after} for column, before, after in fields],
    }
