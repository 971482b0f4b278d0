"""Implements the `Store` port on an embedded file: `create_store` creates a store, `open_store` opens one."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.domain.document import Document, Snapshot, check_still_here
from tokenguard.domain.document import decode as decode_document
from tokenguard.domain.document import encode as encode_document
from tokenguard.domain.event import STORE_CHAIN, Actor, ChainedEvent, ChainHead, Event
from tokenguard.domain.fingerprint import Fingerprint, FingerprintKey, fingerprint_of
from tokenguard.domain.migration_status import Move, check_may_come
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Value
from tokenguard.frozen import replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.store import HeldValues, Live, Stray, Tombstone
from tokenguard.stores.actor import current_actor
from tokenguard.stores.local import chains, factory, fingerprint_index, migration_marker
from tokenguard.stores.local.codec import (
    LivePointer,
    StoreKeys,
    candidate_key,
    decode,
    decode_slot,
    encode,
    encode_slot,
)
from tokenguard.stores.local.key_slots import SlotInfo, SlotKey, Unlock
from tokenguard.stores.local.layout import StoreDirectory
from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.open_store import StoreSession
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import OpenedRow, RowKind
from tokenguard.stores.local.shared_items import LocalSharedItems
from tokenguard.stores.local.snapshot import StoreSnapshot
from tokenguard.stores.refusals import (
    live_moved,
    name_taken,
    no_such_token,
    slot_taken,
    slot_without_value,
    still_live,
    token_changed,
)

if TYPE_CHECKING:
    from tokenguard.stores.local.integrity_check import IntegrityProblem, StoreCheck
    from tokenguard.stores.local.known_place import PlaceWatch
    from tokenguard.stores.local.rekey import Rekeyed
    from tokenguard.stores.local.restoring import Restored


class LocalStore:
    """One embedded store. Every read is proven, every write is one durable transaction."""

    def __init__(self, session: StoreSession, keys: StoreKeys) -> None:
        self.session = session
        self._keys = keys

    @property
    def url(self) -> str:
        """How the store is addressed."""
        return self.session.place.url

    @property
    def store_id(self) -> str:
        """32 hex digits, fixed when the store was made; a restored copy has its own."""
        return (self._keys.identity or self.session.store_id).hex()

    @property
    def watch(self) -> "PlaceWatch":
        """Since when this machine has checked the store for rollbacks."""
        return self.session.watch

    @property
    def shared_items(self) -> LocalSharedItems:
        """The store's shared items."""
        return LocalSharedItems(self.session)

    def actor(self) -> Actor:
        """The login that runs us, with host and CI run."""
        return current_actor()

    def key_holder(self) -> Actor:
        """Return the key slot that opened this store; all who have its key count as one person."""
        return replace(current_actor(), id=f"slot:{self.session.slot}")

    def opens_for(self, identity: str) -> bool:
        """Whether there is a slot of that identity; one whose key was added again counts."""
        return identity in {f"slot:{each.id}" for each in self.slots()}

    def fingerprint(self, value: Value) -> Fingerprint:
        """The value's fingerprint under this store's key."""
        return fingerprint_of(self._keys.fingerprint, value)

    def close(self) -> None:
        """Let go of the file."""
        self.session.database.close()

    # What only `store`, `doctor` and `audit verify` do is imported when they do it.

    def slots(self) -> tuple[SlotInfo, ...]:
        """The key slots, as far as they may be known without their keys."""
        from tokenguard.stores.local.rekey import list_slots

        return list_slots(self.session)

    def add_slot(self, key: SlotKey) -> SlotInfo:
        """Let `key` open the store too."""
        from tokenguard.stores.local.rekey import add_slot

        return add_slot(self.session, key)

    def remove_slot(self, slot_id: str) -> None:
        """Let one slot open nothing any more; InputError for the last one."""
        from tokenguard.stores.local.rekey import remove_slot

        remove_slot(self.session, slot_id)

    def rekey(self, keys: Sequence[SlotKey]) -> "Rekeyed":
        """Seal everything under a new data key; slots that none of `keys` opens are dropped, and reported."""
        from tokenguard.stores.local.rekey import rekey

        return rekey(self.session, keys)

    def examine(self) -> "StoreCheck":
        """Read everything that is stored, once; it gives the audit trails and then what does not hold."""
        from tokenguard.stores.local.integrity_check import StoreCheck

        return StoreCheck(self.session)

    def check(self) -> "Iterator[IntegrityProblem]":
        """Verify everything that is stored; yields what does not hold."""
        from tokenguard.stores.local.integrity_check import check_store

        return check_store(self.session)

    def backup(self, to: Path) -> None:
        """Copy the store to the new file `to`, while others may go on using it; InputError if the file exists."""
        from tokenguard.stores.local.store_copy import back_up

        back_up(self.session, to)

    def find(self, name: TokenName) -> Snapshot | None:
        """The token of that name, retired ones included."""
        with self.session.reading() as rows:
            holder = rows.get(RowKind.NAME, name)
            if holder is None:
                return None
            row = rows.get(RowKind.DOCUMENT, holder.data.decode())
        if row is None:
            raise damaged("a name in the store has no document")
        return _snapshot(row)

    def holders(self, fingerprint: Fingerprint) -> Sequence[TokenId]:
        """The tokens whose document knows a value of that fingerprint."""
        with self.session.reading() as rows:
            return fingerprint_index.holders(rows, fingerprint)

    def load(self, token: TokenId) -> Snapshot:
        """One token; InputError if there is none of that id."""
        with self.session.reading() as rows:
            row = rows.get(RowKind.DOCUMENT, token)
        if row is None:
            raise no_such_token()
        return _snapshot(row)

    def scan(self) -> Iterator[Snapshot]:
        """Every token, ordered by name. One moment's view: taken in milliseconds, opened as it is consumed."""
        with self.session.reading() as rows:
            taken = StoreSnapshot(rows)
        yield from map(_snapshot, taken.documents())

    def passed_over(self) -> Sequence[Stray]:
        """Always empty: every row is in the tree, and a foreign row is tampering."""
        return ()

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        """Every token, ordered by name, with its audit entries; one moment's view, as `scan`."""
        with self.session.reading() as rows:
            taken = StoreSnapshot(rows, RowKind.EVENT)
        for snapshot in map(_snapshot, taken.documents()):
            yield snapshot, chains.entries_of(taken, snapshot.id, snapshot.document.chain)

    def commit(self, token: TokenId, expected: int, document: Document, events: Sequence[Event]) -> Snapshot:
        """Replace the document under compare-and-set, with its events, in one durable step."""
        with self.session.writing() as work:
            rows = work.rows
            row = rows.get(RowKind.DOCUMENT, token)
            if expected != (row.version if row else 0):
                raise token_changed()
            before = decode_document(row.data) if row else None
            if before is not None:
                check_still_here(before, document)
            else:
                check_may_come(migration_marker.move_of(rows), self.url)
            _move_name(rows, token, before.record.name if before else None, document.record.name)
            fingerprint_index.follow(rows, token, before.fingerprints if before else (), document.fingerprints)
            head = chains.append(rows, token, before.chain if before else ChainHead(), events)
            stored = replace(document, chain=head)
            version = rows.put(RowKind.DOCUMENT, token, encode_document(stored))
        return Snapshot(id=token, version=version, document=stored)

    def batch(self) -> AbstractContextManager[bool]:
        """One durable commit for all that this thread writes within."""
        return self.session.batch()

    def history(self, token: TokenId | None) -> Sequence[ChainedEvent]:
        """A token's audit entries, oldest first; None: the store's own."""
        with self.session.reading() as rows:
            if token is None:
                return chains.entries_of(rows, STORE_CHAIN, chains.head_of(rows, STORE_CHAIN))
            row = rows.get(RowKind.DOCUMENT, token)
            return () if row is None else chains.entries_of(rows, token, decode_document(row.data).chain)

    def move(self) -> Move | None:
        """The move that this store is an end of, as it is now; None for an ordinary store."""
        with self.session.reading() as rows:
            return migration_marker.move_of(rows)

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> None:
        """Replace it under compare-and-set, with events for the store's own chain, in one durable step."""
        with self.session.writing() as work:
            migration_marker.put_move(work.rows, expected, move, events)

    def fingerprint_key(self) -> FingerprintKey:
        """What values are known by here."""
        return FingerprintKey(self._keys.fingerprint)

    def take_fingerprint_key(self, key: FingerprintKey) -> None:
        """Know values by another store's key."""
        with self.session.writing() as work:
            self._keys = migration_marker.take_key(work.rows, self._keys, key)

    def put_candidate(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        """Write the slot if it is empty; Conflict otherwise."""
        with self.session.writing() as work:
            if work.rows.get(RowKind.VALUE, candidate_key(token, label)) is not None:
                raise slot_taken()
            work.rows.put(RowKind.VALUE, candidate_key(token, label), encode_slot(content))

    def read_candidate(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        with self.session.reading() as rows:
            return _candidate(rows, token, label)

    def read_live(self, token: TokenId) -> Live | None:
        """The value consumers get, or None."""
        with self.session.reading() as rows:
            return _TakenValues(rows, token).live()

    def holdings(self) -> Iterator[tuple[Snapshot, HeldValues]]:
        """Every token, ordered by name, with its values; one moment's view, as `scan`."""
        with self.session.reading() as rows:
            taken = StoreSnapshot(rows, RowKind.LIVE, RowKind.VALUE)
        return ((snapshot, _TakenValues(taken, snapshot.id)) for snapshot in map(_snapshot, taken.documents()))

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        """Make the candidate live if the live version is still `pinned`; returns the new version."""
        with self.session.writing() as work:
            _check_pin(work.rows, token, pinned)
            if not isinstance(_candidate(work.rows, token, label), Value):
                raise slot_without_value()
            work.rows.put(RowKind.LIVE, token, encode(LivePointer(version=pinned + 1, label=label)))
        return pinned + 1

    def withdraw(self, token: TokenId, pinned: int) -> None:
        """Let nothing be live, under the same pin."""
        with self.session.writing() as work:
            _check_pin(work.rows, token, pinned)
            work.rows.put(RowKind.LIVE, token, encode(LivePointer(version=pinned + 1)))

    def destroy(self, token: TokenId, label: Label) -> None:
        """Turn the slot into a tombstone that keeps the digest; safe to repeat."""
        with self.session.writing() as work:
            if _pointer(work.rows, token).label == label:
                raise still_live()
            content = _candidate(work.rows, token, label)
            if not isinstance(content, Tombstone):
                digest = None if content is None else content.digest()
                tombstone = Tombstone(reason="destroyed", digest=digest)
                work.rows.put(RowKind.VALUE, candidate_key(token, label), encode_slot(tombstone))


class _TakenValues:
    """The values of one token, in rows that were read."""

    def __init__(self, rows: chains.Readable, token: TokenId) -> None:
        self._rows = rows
        self._token = token
        self._pointed: LivePointer | None = None
        self._read: dict[Label, Value | Tombstone | None] = {}

    def live(self) -> Live | None:
        pointer = self._pointed = self._pointed or _pointer(self._rows, self._token)
        if pointer.label is None:
            return None
        value = self.candidate(pointer.label)
        if not isinstance(value, Value):
            raise damaged("the store names a live value that it does not hold")
        return Live(pointer.label, pointer.version, value)

    def candidate(self, label: Label) -> Value | Tombstone | None:
        if label not in self._read:  # a snapshot gives each row once
            self._read[label] = _candidate(self._rows, self._token, label)
        return self._read[label]


def create_store(directory: Path, slots: Sequence[SlotKey], clock: Clock) -> LocalStore:
    """Make a store in `directory` (made private) that each of `slots` opens.

    Raises:
        InputError: there is a store already, or the directory is not ours alone.
        Unreachable: the directory cannot be written.
    """
    return LocalStore(*factory.make(StoreDirectory(directory.absolute()), slots, clock))


def check_unknown(directory: Path) -> None:
    """Refuse a directory whose store this machine used and that holds none now, with an InputError."""
    factory.check_unknown(StoreDirectory(directory.absolute()))


def open_store(directory: Path, unlock: Unlock, clock: Clock) -> LocalStore:
    """Open the store in `directory` with the key that `unlock` finds.

    Raises:
        InputError: there is no store, or others can reach into it.
        WrongKey: the key does not open it.
        Tampered: the file is damaged, or older than what this machine saw of it.
    """
    return LocalStore(*factory.open_(StoreDirectory(directory.absolute()), unlock, clock))


def restore_store(directory: Path, backup: Path | None, unlock: Unlock, clock: Clock) -> "tuple[LocalStore, Restored]":
    """Put `backup` in the place of the store in `directory`; None: accept the copy that is there already.

    Raises:
        InputError: it is not a backup, there is no store, or others can reach into the directory.
        WrongKey: no key at hand opens it.
        Tampered: it is damaged; nothing was changed.
    """
    from tokenguard.stores.local.restoring import accept_in_place, restore_backup

    place = StoreDirectory(directory.absolute())
    done = accept_in_place(place, unlock, clock) if backup is None else restore_backup(place, backup, unlock, clock)
    return LocalStore(done.session, done.keys), done


def check_restorable(directory: Path, backup: Path) -> None:
    """Refuse a file that cannot be a backup, with an InputError; its rows are checked when it is restored."""
    from tokenguard.stores.local.restoring import check_backup

    check_backup(StoreDirectory(directory.absolute()), backup)


def _snapshot(row: OpenedRow) -> Snapshot:
    return Snapshot(id=TokenId(row.key), version=row.version, document=decode_document(row.data))


def _move_name(rows: SealedRows, token: TokenId, before: TokenName | None, after: TokenName) -> None:
    if before == after:
        return
    if rows.get(RowKind.NAME, after) is not None:
        raise name_taken()
    if before is not None:
        rows.delete(RowKind.NAME, before)
    rows.put(RowKind.NAME, after, token.encode())


def _candidate(rows: chains.Readable, token: TokenId, label: Label) -> Value | Tombstone | None:
    row = rows.get(RowKind.VALUE, candidate_key(token, label))
    return None if row is None else decode_slot(row.data)


def _pointer(rows: chains.Readable, token: TokenId) -> LivePointer:
    row = rows.get(RowKind.LIVE, token)
    return LivePointer() if row is None else decode(row.data, LivePointer)


def _check_pin(rows: SealedRows, token: TokenId, pinned: int) -> None:
    if _pointer(rows, token).version != pinned:
        raise live_moved()
