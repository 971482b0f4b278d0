"""Making and opening an embedded store with the keys of this machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.domain.migration_status import refusal
from tokenguard.ports.clock import Clock
from tokenguard.shell.unlock import Ask, KeySources
from tokenguard.stores.local.key_slots import SlotInfo, SlotKey, SlotKind
from tokenguard.stores.local.layout import StoreDirectory
from tokenguard.stores.local.store import (
    LocalStore,
    check_restorable,
    check_unknown,
    create_store,
    open_store,
    restore_store,
)

if TYPE_CHECKING:
    from tokenguard.stores.local.restoring import Restored

__all__ = [
    "LocalStore", "SlotInfo", "SlotKey", "SlotKind", "check_restorable", "check_unknown", "key_sources", "make_local",
    "open_local", "restore_local",
]  # fmt: skip


def open_local(
    directory: Path, environ: Mapping[str, str], clock: Clock, ask: Ask | None, *, moving: bool = False
) -> LocalStore:
    """Open the store in `directory`; one that is being migrated, or was, only if `moving`.

    Raises:
        InputError: there is none, or a key source is not acceptable.
        WrongKey: no available key opens it.
        NeedsPerson: a passphrase would, and there is no terminal to ask for it.
        Moved: what it held is elsewhere.
        Tampered: it is damaged.
    """
    store = open_store(directory, key_sources(environ, ask).unlock, clock)
    if not moving and (refused := refusal(store.move(), store.url)) is not None:
        store.close()
        raise refused
    return store


def make_local(
    directory: Path, environ: Mapping[str, str], clock: Clock, ask: Ask | None, recovery: Sequence[SlotKey]
) -> LocalStore:
    """Make a store in `directory` that this machine's first key source opens, and the `recovery` keys.

    Raises:
        InputError: there is one already, or a key source is not acceptable.
        NeedsPerson: there is no key, and no terminal to ask for a passphrase.
    """
    StoreDirectory(directory).check_free()  # before anybody is asked for a passphrase, or a keyring takes a key
    return create_store(directory, [key_sources(environ, ask).new_key(), *recovery], clock)


def restore_local(
    directory: Path, backup: Path | None, environ: Mapping[str, str], clock: Clock, ask: Ask | None
) -> "tuple[LocalStore, Restored]":
    """Put a backup in the place of the store in `directory`, or accept the copy that is there; see `restore_store`."""
    return restore_store(directory, backup, key_sources(environ, ask).unlock, clock)


def key_sources(environ: Mapping[str, str], ask: Ask | None) -> KeySources:
    """Everything that may open a store here."""
    return KeySources(env=environ, ask=None if ask is None else lambda prompt: ask(f"{prompt}: "))
