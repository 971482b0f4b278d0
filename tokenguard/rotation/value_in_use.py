"""Finds the value that an operation replaces or revokes: the one that the record's fingerprint proves."""

from tokenguard.domain.document import Snapshot
from tokenguard.domain.secret import Value
from tokenguard.ports.given_value import not_in_use
from tokenguard.ports.store import FieldState, Live, Store


def value_in_use(store: Store, snapshot: Snapshot) -> Live | None:
    """Return a token's value in use at the live version; None if the store has none.

    Another writer can remove the live value of a store, or put an earlier one back. The token in use is then the one
    of the record all the same, and its slot holds it: the proof of a death must be about that one.

    Raises:
        Tampered: another value of the token is served, and no slot of its last operation holds the one in use.
    """
    live, mark = store.read_live(snapshot.id), snapshot.document.record.fingerprint
    if mark is None or (live is not None and live.found is not FieldState.EXPECTED):
        return live
    if live is not None and store.fingerprint(live.value) == mark:
        return live
    journal = snapshot.document.journal
    for label in sorted(journal.labels) if journal else ():
        held = store.read_candidate(snapshot.id, label)
        if isinstance(held, Value) and store.fingerprint(held) == mark:
            return Live(label, live.version if live else 0, held)
    if live is not None:
        raise not_in_use(store, snapshot)
    return None
