"""Finds a token by its name."""

from contextlib import suppress

from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError, TokenguardError
from tokenguard.ports.store import Store
from tokenguard.text import nearest


def known_token(store: Store, name: TokenName) -> Snapshot:
    """The token of that name; InputError if there is none."""
    snapshot = store.find(name)
    if snapshot is None:
        raise InputError(f"there is no token named {name}", hint=_meant(store, name))
    return snapshot


def _meant(store: Store, name: TokenName) -> str:
    """A hint with the closest name, if the names can be read."""
    names = list[str]()
    with suppress(TokenguardError):
        names += [snapshot.document.record.name for snapshot in store.scan()]
    near = nearest(name, names, cutoff=0.8)
    return f"did you mean {near}? `tokenguard list` shows all names" if near else "`tokenguard list` shows the names"
