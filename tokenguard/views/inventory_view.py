"""Presents the inventory: a table for people, one document for programs."""

from collections.abc import Iterable

from tokenguard.inventory.record_table import TABLE, revision_of, revision_of_texts, texts_of
from tokenguard.inventory.selection import SelectedToken, is_refused
from tokenguard.inventory.views import day, due_words, liveness_words, moment, state_words, token_json
from tokenguard.output.csv_table import csv_text
from tokenguard.shell.wiring import Wiring
from tokenguard.views.token_view import scope_words

_COLUMNS = ("name", "provider", "scope", "env", "owner", "state", "due")
Found = tuple[str, SelectedToken]
"""A token, with the name of its store if there are several."""


def print_document(wiring: Wiring, found: Iterable[Found], *, labelled: bool) -> None:
    """One JSON document, written as the tokens are read."""
    now = wiring.clock.now()
    wiring.screen.documents(
        "tokens",
        (
            {
                **({"store": label} if labelled else {}),
                "revision": revision_of(each.snapshot.document.record),
                **token_json(each.snapshot, each.due, now),
                "due": day(each.snapshot.document.record.due_at) or None,
            }
            for label, each in found
        ),
    )


def print_csv(wiring: Wiring, found: Iterable[Found], *, labelled: bool) -> None:
    """One row per token, for spreadsheets; `import --update` reads it back."""
    rows = ({"store": label, **_cells(each)} if labelled else _cells(each) for label, each in found)
    wiring.screen.text(csv_text((*(("store",) if labelled else ()), *TABLE), rows))


def _cells(each: SelectedToken) -> dict[str, str]:
    record = each.snapshot.document.record
    texts = texts_of(record)
    return {
        "id": each.snapshot.id,
        "revision": revision_of_texts(texts),
        **texts,
        "due_at": moment(each.due.at if each.due else None) or "",
        "liveness": liveness_words(record.seen),
    }


def print_table(wiring: Wiring, found: list[Found], *, labelled: bool) -> None:
    """One row per token."""
    columns = (*(("store",) if labelled else ()), *_COLUMNS)
    rows = [(*((label,) if labelled else ()), *_row(wiring, each)) for label, each in found]
    wiring.screen.table(columns, rows, tones=[_tone(wiring, each) for _, each in found])


def _row(wiring: Wiring, each: SelectedToken) -> tuple[str, ...]:
    record = each.snapshot.document.record
    return (
        record.name,
        record.provider,
        scope_words(record),
        record.environment,
        record.owner,
        state_words(each.snapshot.document),
        due_words(each.due, wiring.clock.now(), age_unknown=each.age_unknown),
    )


def _tone(wiring: Wiring, each: SelectedToken) -> str:
    """A colour by urgency; the row's text says the same."""
    now = wiring.clock.now()
    if each.leaked or is_refused(each.snapshot) or (each.due and each.due.at <= now):
        return "red"
    return "yellow" if each.snapshot.document.busy or each.age_unknown or (each.due and each.due.soon(now)) else ""
