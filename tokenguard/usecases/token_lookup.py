"""Finds a token by its name."""

from contextlib import suppress

from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError, Tampered, TokenguardError
from tokenguard.ports.store import Store
from tokenguard.text import nearest


def known_token(store: Store, name: TokenName) -> Snapshot:
    """The token of that name.

    Raises:
        InputError: there is none.
        Tampered: a list shows it, and its name does not lead to it.
    """
    snapshot = store.find(name)
    if snapshot is None:
        names = _names(store)
        if name in names:
            raise Tampered(
                f"the store lists {name}, but does not find it by that name", hint="`tokenguard audit verify` says why"
            )
        raise InputError(f"there is no token named {name}", hint=_meant(name, names))
    return snapshot


def _names(store: Store) -> list[str]:
    """All names, as far as they can be read."""
    names = list[str]()
    with suppress(TokenguardError):
        names += [snapshot.document.record.name for snapshot in store.scan()]
    return names


def _meant(name: TokenName, names: list[str]) -> str:
    near = nearest(name, names, cutoff=0.8)
    return f"did you mean {near}? `tokenguard list` shows all names" if near else "`tokenguard list` shows the names"
