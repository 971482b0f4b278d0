"""Records as rows of a table: what each column says of a record, and which of them a person may change."""

import hashlib
from collections.abc import Callable, Mapping

from tokenguard.domain.token import Record
from tokenguard.domain.token_fields import PEOPLE
from tokenguard.inventory.views import day, moment

Cell = str | tuple[str, ...] | None
"""A text or a list; None if nothing is known."""
NO_CONSUMERS = "none"
"""In a table: declared to have no consumers. Empty text means that they are not declared."""

CHANGEABLE: Mapping[str, Callable[[Record], Cell]] = {
    "name": lambda record: record.name,
    "provider": lambda record: record.provider,
    "kind": lambda record: record.kind.value,
    "scope": lambda record: str(record.scope) if record.scope else None,
    "scope_name": lambda record: record.scope_name,
    "environment": lambda record: record.environment,
    "owner": lambda record: record.owner,
    "purpose": lambda record: record.purpose,
    **{each.name: each.of for each in PEOPLE},
    "permissions": lambda record: record.permissions,
    "consumers": lambda record: None if record.consumers is None else tuple(map(str, record.consumers)),
    "location": lambda record: record.location.url,
    "label": lambda record: record.label,
    "created_at": lambda record: moment(record.created_at),
    "due": lambda record: day(record.due_at),
    "notes": lambda record: record.notes,
}
"""The columns that `import --update` reads."""
FIXED: Mapping[str, Callable[[Record], Cell]] = {
    "state": lambda record: record.state.value,
    "base_url": lambda record: record.base_url,
    "provider_id": lambda record: record.provider_id,
    "hint": lambda record: record.hint,
    "imported_from": lambda record: record.imported_from,
    "after": lambda record: ";".join(map(str, record.after)),
    "added_at": lambda record: moment(record.added_at),
    "rotated_at": lambda record: moment(record.rotated_at),
}
"""The columns that only operations change."""
_ALL = {**CHANGEABLE, **FIXED}
OBSERVED = frozenset(
    {
        "due_at", "ends_at", "days_left", "overdue", "operation", "quarantined", "possibly_alive", "consumer_servers",
        "age_known", "fingerprint", "liveness", "missing", "leaked", "leak_waiver",
    }
)  # fmt: skip
"""The columns that say what is so at the time of the list; an update passes over them."""
LISTS = frozenset({"permissions", "consumers"})
TABLE = ("id", "revision", *CHANGEABLE, *FIXED, "due_at", "liveness")
"""The columns of `list --format csv`."""


def cell_text(column: str, cell: Cell) -> str:
    """A cell as one text: lists with semicolons between."""
    if isinstance(cell, tuple):
        return ";".join(cell) or (NO_CONSUMERS if column == "consumers" else "")
    return cell or ""


def texts_of(record: Record) -> dict[str, str]:
    """The cells of a record by column, those that only operations change too."""
    return {column: cell_text(column, read(record)) for column, read in _ALL.items()}


def revision_of(record: Record) -> str:
    """A short digest of the cells: another one than in a list says that the record has changed since."""
    return revision_of_texts(texts_of(record))


def revision_of_texts(texts: Mapping[str, str]) -> str:
    """The same, of cells that `texts_of` gave."""
    return hashlib.sha256("\x1f".join(texts.values()).encode()).hexdigest()[:12]


def differences(before: Record, after: Record) -> list[tuple[str, str, str]]:
    """Each column that differs, with its text before and after; a consumer with its server."""
    found = []
    for column, read in _ALL.items():
        was, becomes = (_consumers(each) if column == "consumers" else read(each) for each in (before, after))
        if was != becomes:
            found.append((column, cell_text(column, was), cell_text(column, becomes)))
    return found


def _consumers(record: Record) -> Cell:
    return None if record.consumers is None else tuple(each.shown for each in record.consumers)
