"""The key side of an open store: its slots, and giving all rows a new data key."""

import os
from collections.abc import Sequence
from contextlib import suppress

from tokenguard.domain.event import STORE_CHAIN, Detail, Event, Op
from tokenguard.errors import Conflict, InputError, Unreachable
from tokenguard.frozen import Frozen, replace
from tokenguard.stores.actor import current_actor
from tokenguard.stores.local import chains
from tokenguard.stores.local.key_slots import MAX_SLOTS, Slot, SlotInfo, SlotKey, unwrap, wrap
from tokenguard.stores.local.open_store import StoreSession, WriteTransaction, load_slots
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import KEY_BYTES, DataKeys, Sealer
from tokenguard.stores.local.tree import EMPTY


class Rekeyed(Frozen, frozen=True, kw_only=True):
    """What a rekey did to the key slots."""

    kept: tuple[SlotInfo, ...]
    dropped: tuple[SlotInfo, ...]
    """Their secret was not at hand; they open nothing any more."""


def list_slots(session: StoreSession) -> tuple[SlotInfo, ...]:
    """What may be known of the slots without their keys."""
    return tuple(slot.info for slot in _current(session))


def add_slot(session: StoreSession, key: SlotKey) -> SlotInfo:
    """Let `key` open the store too; InputError if it does already, since each slot is a person of its own."""
    slot = wrap(session.sealer.keys.data, key, session.store_id)  # slow for a passphrase: before the lock
    before = _current(session)
    _check_new(before, key, slot, session.store_id)
    with session.writing() as work:
        _check_new([each for each in work.slots if each not in before], key, slot, session.store_id)
        if len(work.slots) >= MAX_SLOTS:
            raise InputError(f"a store has at most {MAX_SLOTS} key slots", hint="remove an unused one")
        work.put_slots((*work.slots, slot))
        _note(session, work, Op.KEY_SLOT, {"result": "added", "slot": slot.id, "kind": slot.kind})
    return slot.info


def _check_new(slots: Sequence[Slot], key: SlotKey, new: Slot, store_id: bytes) -> None:
    for slot in slots:
        if slot.id == new.id or unwrap(slot, key, store_id) is not None:
            raise InputError(
                f"this key opens the store already, as slot {slot.id}",
                hint="give each person a key of their own; `tokenguard store slots` lists the slots",
            )


def remove_slot(session: StoreSession, slot_id: str) -> None:
    """Remove one key slot. After a leak of its key this is not enough: rekey, because copies of the file still open."""
    with session.writing() as work:
        left = tuple(slot for slot in work.slots if slot.id != slot_id)
        if len(left) == len(work.slots):
            raise InputError("no such key slot", hint="`tokenguard doctor` lists the slots")
        if not left:
            raise InputError("the last key slot cannot be removed", hint="add another one first")
        gone = next(slot for slot in work.slots if slot.id == slot_id)
        work.put_slots(left)
        _note(session, work, Op.KEY_SLOT, {"result": "removed", "slot": gone.id, "kind": gone.kind})


def rekey(session: StoreSession, keys: Sequence[SlotKey]) -> Rekeyed:
    """Seal everything under a new data key, in one commit; then rewrite the file without the old bytes.

    Slots that none of `keys` opens are dropped, and reported. Other processes that have the store open must open
    it again. Copies and backups made before keep the old key.

    Raises:
        InputError: `keys` open no slot at all; nothing was written.
        Conflict: the slots changed meanwhile; nothing was written.
    """
    before = _current(session)
    sealer = Sealer(DataKeys.derive(os.urandom(KEY_BYTES)), session.store_id)
    kept = tuple(fresh for slot in before if (fresh := _rewrapped(slot, keys, sealer)) is not None)
    dropped = tuple(slot for slot in before if slot.id not in {fresh.id for fresh in kept})
    if not kept:
        raise InputError("none of the given keys opens this store", hint="give a key that is valid for this store now")
    with session.writing() as work:
        if work.slots != before:
            raise Conflict("the key slots were changed in the meantime", hint="run the command again")
        _reseal(work, sealer)
        work.put_slots(kept)
        _note(session, work, Op.REKEY, {"kept": len(kept), "dropped": len(dropped)})
        for slot in dropped:
            _note(session, work, Op.KEY_SLOT, {"result": "dropped", "slot": slot.id, "kind": slot.kind})
    # the rekey is durable and secure_delete has wiped the old rows: this only gives back room
    with suppress(Unreachable):
        session.compact()
    return Rekeyed(kept=tuple(slot.info for slot in kept), dropped=tuple(slot.info for slot in dropped))


def _current(session: StoreSession) -> tuple[Slot, ...]:
    with session.snapshot() as (connection, _):
        return load_slots(connection)


def _rewrapped(slot: Slot, keys: Sequence[SlotKey], sealer: Sealer) -> Slot | None:
    for key in keys:
        if unwrap(slot, key, sealer.store_id) is not None:
            same = replace(key, params=slot.info.params)
            return wrap(sealer.keys.data, same, sealer.store_id, slot.id)
    return None


def _reseal(work: WriteTransaction, sealer: Sealer) -> None:
    """Re-encrypt every row. Versions are preserved, so in-flight compare-and-set writes still succeed."""
    old = work.rows
    places = list(old.leaves())
    work.connection.execute("DELETE FROM leaf")
    work.rows = SealedRows(work.connection, sealer, EMPTY)
    for leaf in places:
        work.rows.write(old.opened(leaf))
        work.connection.execute("DELETE FROM body WHERE row = ?", (leaf.body,))


def _note(session: StoreSession, work: WriteTransaction, op: Op, detail: Detail) -> None:
    event = Event(at=session.clock.now(), op=op, actor=current_actor(), detail=detail)
    chains.lengthen(work.rows, STORE_CHAIN, [event])
