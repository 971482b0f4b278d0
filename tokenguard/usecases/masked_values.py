"""The values of a token to mask: the live one, and every other that may still be alive."""

from collections.abc import Iterable, Iterator

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.names import Label
from tokenguard.domain.secret import Value
from tokenguard.ports.store import FieldState, Store
from tokenguard.redaction.known import MaskedValue


def known_values(store: Store, snapshots: Iterable[Snapshot], *, show_names: bool) -> list[MaskedValue]:
    """The values of some tokens, current and old, for the masking engine.

    Raises:
        InputError: a value cannot be masked; the error names its token.
        Unreachable: the store cannot be read.
    """
    return [
        known
        for snapshot in snapshots
        for value in _values(store, snapshot)
        for known in MaskedValue.of(snapshot.document.record.name, value, show_name=show_names)
    ]


def _values(store: Store, snapshot: Snapshot) -> Iterator[Value]:
    seen: list[Value] = []
    live = store.read_live(snapshot.id)
    labels = dict.fromkeys(_labels(snapshot.document))
    if live is not None and live.found is FieldState.DIFFERENT:
        labels[live.label] = None  # the adopted field has a foreign value; ours may still be alive
    candidates = (store.read_candidate(snapshot.id, label) for label in labels)
    for value in (live.value if live else None, *candidates):
        if isinstance(value, Value) and value not in seen:
            seen.append(value)
            yield value


def _labels(document: Document) -> Iterator[Label]:
    """Values that are being created, replaced or rechecked. A value that is confirmed dead is destroyed."""
    if (journal := document.journal) is not None:
        if journal.old is not None:
            yield journal.old.label
        yield from (attempt.label for attempt in journal.attempts)
    yield from (each.label for each in document.quarantine)
