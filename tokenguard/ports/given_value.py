"""The live value of a token for a program, a person or a consumer: only the one that its record proves."""

from tokenguard.domain.document import Snapshot
from tokenguard.domain.token import RecordState
from tokenguard.errors import Tampered
from tokenguard.ports.store import FieldState, Live, Store, how_to_restore

_TRIES = 4


def value_to_give(store: Store, snapshot: Snapshot) -> Live | None:
    """Return a token's live value, compared with its record; None if nothing is live.

    The comparison takes no request of its own. A foreign value in an adopted field is returned as that.

    Raises:
        Tampered: the store serves another value than the one in use, which may be revoked.
    """
    for _ in range(_TRIES):
        live = store.read_live(snapshot.id)
        if live is None or live.found is not FieldState.EXPECTED:
            return live
        if snapshot.document.may_serve(store.fingerprint(live.value)):
            return live
        now = store.load(snapshot.id)
        if now.version == snapshot.version:
            break
        snapshot = now  # another runner has changed the token since, and may have published
    raise not_in_use(store, snapshot)


def not_in_use(store: Store, snapshot: Snapshot) -> Tampered:
    """Return the error for a token of which the store serves an earlier value, or another writer's."""
    record = snapshot.document.record
    served = f"the value that the store serves for {record.name}"
    retired = record.state is RecordState.RETIRED
    message = f"{served} must not exist: the token is retired" if retired else f"{served} is not the one in use"
    return Tampered(message, hint=how_to_restore(store, snapshot.id))
