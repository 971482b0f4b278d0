"""Compares the value that a store on a server serves for a token with its record, for the check of the whole store."""

from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import Tampered
from tokenguard.ports.store import Live, Stray


class Serving(Protocol):
    """A store on a server, where others can replace what it serves."""

    def load(self, token: TokenId) -> Snapshot:
        """One token."""
        ...

    def read_live(self, token: TokenId) -> Live | None:
        """The value consumers get; Tampered if it is another writer's."""
        ...

    def fingerprint(self, value: Value) -> Fingerprint:
        """The value's fingerprint under this store's key."""
        ...

    def how_to_restore(self, token: TokenId) -> str:
        """The commands that serve the right value again."""
        ...

    def live_place(self, token: TokenId) -> str:
        """Where consumers read it, as the server's own tools name it."""
        ...


def wrong_value(store: Serving, snapshot: Snapshot) -> Stray | None:
    """Return what is wrong with the value that is served for a token; None if nothing is."""
    if snapshot.document.record.fingerprint is None:
        return None
    try:
        what = _wrong(store, snapshot, store.read_live(snapshot.id))
    except Tampered as changed:
        what, hint = "the value served is not the token's value", changed.hint
        return Stray(where=store.live_place(snapshot.id), what=what, hint=hint)
    if not what or store.load(snapshot.id).version != snapshot.version:  # a rotation meanwhile
        return None
    return Stray(where=store.live_place(snapshot.id), what=what, hint=store.how_to_restore(snapshot.id))


def _wrong(store: Serving, snapshot: Snapshot, live: Live | None) -> str:
    retired = snapshot.document.record.state is RecordState.RETIRED
    if live is None:
        return "" if retired or snapshot.document.busy else "the value of a token in use is not served"
    if snapshot.document.may_serve(store.fingerprint(live.value)):
        return ""
    return "a value is served for a retired token" if retired else "the value served is not the one in use"
