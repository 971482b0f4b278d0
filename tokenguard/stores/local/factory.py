"""Making a store and opening one: everything that happens before there is a session."""

import contextlib
import errno
import os
from collections.abc import Sequence

from tokenguard.domain.event import STORE_CHAIN, Detail, Event, Op
from tokenguard.errors import InputError, WrongKey
from tokenguard.files import fsync_dir, make_private_dir
from tokenguard.ports.clock import Clock
from tokenguard.stores.actor import current_actor
from tokenguard.stores.local import chains
from tokenguard.stores.local.anchor import Anchor
from tokenguard.stores.local.codec import KEYS_ROW, StoreKeys, decode, encode
from tokenguard.stores.local.database import Database, create_database
from tokenguard.stores.local.key_slots import MAX_SLOTS, Slot, SlotKey, Unlock, unwrap, wrap
from tokenguard.stores.local.known_place import KnownPlace
from tokenguard.stores.local.layout import StoreDirectory, anchor_directory
from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.lock import locked
from tokenguard.stores.local.open_store import StoreSession, WriteTransaction, load_head, load_slots, store_head
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import KEY_BYTES, DataKeys, RowKind, Sealer
from tokenguard.stores.local.sqlite_errors import translated
from tokenguard.stores.local.tree import EMPTY
from tokenguard.stores.refusals import as_of_before


def make(place: StoreDirectory, keys: Sequence[SlotKey], clock: Clock) -> tuple[StoreSession, StoreKeys]:
    """Make a store that `keys` open, whole or not at all; InputError if there is one already."""
    if not 1 <= len(keys) <= MAX_SLOTS:
        raise InputError("a store needs a key", hint="set TOKENGUARD_KEY_FILE, or let init ask for a passphrase")
    sealer = Sealer(DataKeys.derive(os.urandom(KEY_BYTES)), os.urandom(16))
    store_keys = StoreKeys()
    with translated():
        place.prepare()
        _prepare_anchors()
    slots = tuple(wrap(sealer.keys.data, key, sealer.store_id) for key in keys)
    with locked(place.lock, clock), translated():
        place.check_free()
        _build(place, sealer, store_keys, slots, clock)
        place.unfinished.rename(place.database)
        fsync_dir(place.directory)
    session = StoreSession(place, Database(place), sealer, None, clock, slot=slots[0].id)
    return guarded(session, KnownPlace(place.directory, anew=True))


def _prepare_anchors() -> None:
    """Refuse a state directory that cannot be written, before a store is made that could not be opened there."""
    anchors = anchor_directory()
    make_private_dir(anchors)
    if not os.access(anchors, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(anchors))


def open_(place: StoreDirectory, unlock: Unlock, clock: Clock) -> tuple[StoreSession, StoreKeys]:
    """Open the store with the key that `unlock` finds."""
    check_unknown(place)
    with translated():
        place.check()
    known = KnownPlace(place.directory)  # before SQLite opens the file
    return guarded(unguarded(place, unlock, clock), known)


def check_unknown(place: StoreDirectory) -> None:
    """Refuse a place whose store this machine used and that is not there any more."""
    with translated():
        missing = not place.database.exists()
    if missing and KnownPlace(place.directory).used:
        with as_of_before(), translated():
            place.check()


def unguarded(place: StoreDirectory, unlock: Unlock, clock: Clock) -> StoreSession:
    """The store, opened and not yet held against its anchor."""
    database = Database(place)
    try:
        with locked(place.lock, clock, shared=True), database.reading() as connection:
            slots = load_slots(connection)
            head, _ = load_head(connection)
        data_key, slot = _unwrapped(slots, unlock(tuple(slot.info for slot in slots)), head.store_id)
    finally:
        database.close()
    sealer = Sealer(DataKeys.derive(data_key), head.store_id)
    if sealer.keys.id != head.key_id:
        raise damaged("the store's key slots do not match its rows")
    return StoreSession(place, Database(place), sealer, None, clock, slot=slot)


def keys_of(session: StoreSession) -> StoreKeys:
    """The store's own keys."""
    with session.reading() as rows:
        row = rows.get(RowKind.KEYS, KEYS_ROW)
    if row is None:
        raise damaged("the store has lost its own keys")
    return decode(row.data, StoreKeys)


def guarded(session: StoreSession, known: KnownPlace) -> tuple[StoreSession, StoreKeys]:
    """The session behind its anchor, which is checked once before anything is believed."""
    keys = keys_of(session)
    identity = keys.identity or session.sealer.store_id
    expected = known.expects_anchor(identity)
    found = session.anchored(Anchor(anchor_directory(), identity, keys.anchor, expected=expected))
    with found.reading():
        pass  # proves root and anchor
    found.watch = known.remember(identity, session.clock)
    return found, keys


def _build(place: StoreDirectory, sealer: Sealer, store_keys: StoreKeys, slots: tuple[Slot, ...], clock: Clock) -> None:
    """Write the first commit into a file under another name; what an interrupted `init` left is removed first."""
    for leftover in (place.unfinished, place.unfinished.with_name(place.unfinished.name + "-journal")):
        with contextlib.suppress(FileNotFoundError):
            leftover.unlink()
    with contextlib.closing(create_database(place.unfinished)) as connection:
        work = WriteTransaction(connection, SealedRows(connection, sealer, EMPTY), ())
        work.put_slots(slots)
        work.rows.put(RowKind.KEYS, KEYS_ROW, encode(store_keys))
        events = [Event(at=clock.now(), op=Op.INIT, actor=current_actor())]
        for slot in slots:
            detail: Detail = {"result": "added", "slot": slot.id, "kind": slot.kind}
            events.append(Event(at=clock.now(), op=Op.KEY_SLOT, actor=current_actor(), detail=detail))
        chains.lengthen(work.rows, STORE_CHAIN, events)
        store_head(connection, 1, work)
        connection.execute("COMMIT")


def _unwrapped(slots: Sequence[Slot], key: SlotKey, store_id: bytes) -> tuple[bytes, str]:
    """The data key, and the id of the slot that the key opens."""
    for slot in slots:
        data_key = unwrap(slot, key, store_id)
        if data_key is not None:
            return data_key, slot.id
    raise WrongKey(
        f"the {key.kind.replace('_', ' ').replace('recovery', 'recovery code')} that was found does not "
        "open this store",
        hint="check which store is meant (--store) and which key belongs to it; a recovery code opens it too",
    )
