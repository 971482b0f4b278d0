"""An open store: verified reads, and writes that update root and anchor together with the rows."""

import hmac
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tokenguard.errors import Unreachable
from tokenguard.ports.clock import Clock
from tokenguard.stores.local.anchor import Anchor, AnchoredState
from tokenguard.stores.local.database import Database
from tokenguard.stores.local.key_slots import MAX_SLOTS, Slot, slots_digest
from tokenguard.stores.local.known_place import PlaceWatch
from tokenguard.stores.local.layout import StoreDirectory
from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.lock import TURN, locked
from tokenguard.stores.local.rows import ProvenBuckets, SealedRows
from tokenguard.stores.local.sealing import Sealer
from tokenguard.stores.local.tree import BUCKETS, DIGEST_BYTES, Head

if TYPE_CHECKING:
    from tokenguard.stores.local.batch_rows import BatchRows

_ID_BYTES = 16
_PUT_SLOT = "INSERT OR REPLACE INTO slot (id, kind, params, salt, commitment, wrapped) VALUES (?, ?, ?, ?, ?, ?)"


class WriteTransaction(msgspec.Struct):
    """One write transaction. A rekey replaces `rows` by rows under the new key."""

    connection: sqlite3.Connection
    rows: SealedRows
    slots: tuple[Slot, ...]
    state: AnchoredState | None = None
    """The store's state: as it was found, and once this is committed as it was left."""

    def put_slots(self, slots: tuple[Slot, ...]) -> None:
        """Let these be the store's key slots."""
        self.connection.execute("DELETE FROM slot")
        for slot in slots:
            columns = (slot.id, slot.kind, slot.params, slot.salt, slot.commitment, slot.wrapped)
            self.connection.execute(_PUT_SLOT, columns)
        self.slots = slots


class _Batch(NamedTuple):
    """A batch of writes."""

    work: WriteTransaction
    rows: "BatchRows"
    thread: int
    """The one that takes part; other threads wait for the lock, as other processes do."""


class StoreSession:
    """One store, opened with its data key.

    Args:
        place: where it is.
        sealer: holds the data key.
        anchor: what this machine saw last; None only while the store is being made or first opened.
        slot: the id of the key slot that opened it.
    """

    def __init__(
        self,
        place: StoreDirectory,
        database: Database,
        sealer: Sealer,
        anchor: Anchor | None,
        clock: Clock,
        *,
        slot: str,
    ) -> None:
        self.place = place
        self.database = database
        self.sealer = sealer
        self.clock = clock
        self.slot = slot
        self.watch = PlaceWatch()
        self._anchor = anchor
        self._buckets: ProvenBuckets = {}
        self._batch: _Batch | None = None
        self._last_batch: _Batch | None = None
        """The batch before, whose rows are proven as long as the store is in the state that it left."""

    @property
    def store_id(self) -> bytes:
        """16 bytes, fixed when the store was made."""
        return self.sealer.store_id

    def anchored(self, anchor: Anchor) -> "StoreSession":
        """The same session, from now on guarded by `anchor`."""
        return StoreSession(self.place, self.database, self.sealer, anchor, self.clock, slot=self.slot)

    @contextmanager
    def reading(self) -> Iterator[SealedRows]:
        """Open a verified read transaction. It must be closed before waiting for anything."""
        with self.snapshot() as (_, rows):
            yield rows

    @contextmanager
    def snapshot(self) -> Iterator[tuple[sqlite3.Connection, SealedRows]]:
        """As `reading`, with the connection beside it, for a look at the tables themselves."""
        if (batch := self._own_batch) is not None:
            yield batch.work.connection, batch.rows
            return
        with locked(self.place.lock, self.clock, shared=True):
            before = None if self._anchor is None else self._anchor.read()
            with self.database.reading() as connection:
                found, head = self._proven(connection)
                news = self._anchor is not None and self._anchor.check(before, found)
                yield connection, SealedRows(connection, self.sealer, head.buckets, self._buckets)
        if news:
            self._catch_up(found)

    @contextmanager
    def writing(self) -> Iterator[WriteTransaction]:
        """One commit: rows, slots and root in one transaction, then the anchor; nothing if the block raises."""
        if (batch := self._own_batch) is not None:
            with batch.rows.step():
                yield batch.work
            return
        with self._commit() as work:
            yield work

    @contextmanager
    def batch(self) -> Iterator[bool]:
        """One commit of all that this thread writes within; nothing of it if the block raises."""
        from tokenguard.stores.local.batch_rows import BatchRows  # most commands write one token

        known, self._last_batch = self._last_batch, None
        with self._commit() as work:
            same = known is not None and known.work.state == work.state
            rows = BatchRows(
                work.connection, self.sealer, work.rows.digests(), known.rows.proven if known and same else None
            )
            work.rows = rows
            self._batch = _Batch(work, rows, threading.get_ident())
            try:
                yield True
            finally:
                done, self._batch = self._batch, None
        self._last_batch = done
        self.clock.sleep(TURN)

    @property
    def _own_batch(self) -> _Batch | None:
        batch = self._batch
        return batch if batch is not None and batch.thread == threading.get_ident() else None

    @contextmanager
    def _commit(self) -> Iterator[WriteTransaction]:
        with locked(self.place.lock, self.clock):
            before = None if self._anchor is None else self._anchor.read()
            with self.database.writing() as connection:
                found, head = self._proven(connection)
                news = self._anchor is not None and self._anchor.check(before, found)
                rows = SealedRows(connection, self.sealer, head.buckets, self._buckets)
                work = WriteTransaction(connection, rows, load_slots(connection), found)
                yield work
                if work.rows.changed:
                    found, news = store_head(connection, found.generation + 1, work), True
                if self._anchor is not None and news:
                    self._anchor.prepare(found)  # where this fails, nothing is committed
            self.sealer, work.state = work.rows.sealer, found
            if self._anchor is not None and news:
                self._note(self._anchor, found)

    def compact(self) -> None:
        """Rewrite the file without what was deleted from it."""
        with locked(self.place.lock, self.clock):
            self.database.compact()

    def _catch_up(self, found: AnchoredState) -> None:
        """Remember a state that another process left without an anchor; never goes back."""
        if self._anchor is None:
            return
        with locked(self.place.lock, self.clock):
            now = self._anchor.read()
            if now is None or now.generation < found.generation:
                self._anchor.write(found)

    def _note(self, anchor: Anchor, found: AnchoredState) -> None:
        """Put the anchor of a durable commit in place; a failure is told as what it is."""
        try:
            anchor.write(found)
        except Unreachable as error:
            raise Unreachable(
                f"the change is stored, but the store's anchor on this machine cannot be updated: {error.message}",
                hint=f"until it is, a rollback of the store is not detected; {error.hint}",
            ) from None

    def _proven(self, connection: sqlite3.Connection) -> tuple[AnchoredState, Head]:
        head, root = load_head(connection)
        if head.store_id != self.store_id:
            raise damaged("the store's file belongs to another store")
        if head.key_id != self.sealer.keys.id:
            raise Unreachable("the store's key was changed after it was opened", hint="run the command again")
        if not hmac.compare_digest(head.root(self.sealer.keys.tree), root):
            raise damaged("the store's root does not match its content: another program changed the store")
        return AnchoredState(generation=head.generation, root=root), head


def load_slots(connection: sqlite3.Connection) -> tuple[Slot, ...]:
    """The key slots, in the order of their ids; Tampered if there is none, or too many."""
    found = connection.execute(
        "SELECT id, kind, params, salt, commitment, wrapped FROM slot ORDER BY id LIMIT ?", (MAX_SLOTS + 1,)
    ).fetchall()
    if not 1 <= len(found) <= MAX_SLOTS:
        raise damaged("the store has no key slots, or too many")
    names = ("id", "kind", "params", "salt", "commitment", "wrapped")
    return tuple(Slot(**dict(zip(names, columns, strict=True))) for columns in found)


def load_head(connection: sqlite3.Connection) -> tuple[Head, bytes]:
    """The head as it is stored, and the root that should fit it; Tampered if it is malformed."""
    found = connection.execute("SELECT id, key_id, generation, buckets, root FROM store").fetchall()
    if len(found) != 1:
        raise damaged("the store's head record is missing")
    store_id, key_id, generation, buckets, root = found[0]
    blobs = all(isinstance(blob, bytes) for blob in (store_id, key_id, buckets, root))
    if not (
        blobs
        and isinstance(generation, int)
        and (len(store_id), len(key_id), len(root)) == (_ID_BYTES, _ID_BYTES, DIGEST_BYTES)
        and len(buckets) == BUCKETS * DIGEST_BYTES
    ):
        raise damaged("the store's head record is malformed")
    slots = slots_digest(load_slots(connection))
    return Head(store_id=store_id, key_id=key_id, generation=generation, slots=slots, buckets=buckets), root


def store_head(connection: sqlite3.Connection, generation: int, work: WriteTransaction) -> AnchoredState:
    """Write the head that vouches for what `work` left; returns what the anchor will remember."""
    store_id, keys = work.rows.sealer.store_id, work.rows.sealer.keys
    slots = slots_digest(sorted(work.slots, key=lambda slot: slot.id))
    buckets = work.rows.digests()
    head = Head(store_id=store_id, key_id=keys.id, generation=generation, slots=slots, buckets=buckets)
    root = head.root(keys.tree)
    connection.execute(
        "INSERT OR REPLACE INTO store (one, id, key_id, generation, buckets, root) VALUES (1, ?, ?, ?, ?, ?)",
        (store_id, keys.id, generation, buckets, root),
    )
    return AnchoredState(generation=generation, root=root)
