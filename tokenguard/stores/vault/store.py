"""Implements the `Store` port on Vault and OpenBao; `factory.py` creates and opens stores."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from itertools import chain

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.parallel import in_parallel
from tokenguard.clients.vault.preflight import MIN_LIFE, PreflightProblem, held, problems
from tokenguard.clients.vault.vault_errors import CasLost, VaultError, VaultFailure
from tokenguard.domain.document import Document, Snapshot, check_still_here, decode
from tokenguard.domain.event import Actor, ChainedEvent, ChainHead, Event, extend
from tokenguard.domain.fingerprint import Fingerprint, FingerprintKey, fingerprint_of
from tokenguard.domain.migration_status import Move, check_may_come
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import Tampered
from tokenguard.frozen import replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.store import HeldValues, Live, Stray, Tombstone
from tokenguard.stores.actor import current_actor
from tokenguard.stores.held_values import StoredValues
from tokenguard.stores.refusals import no_such_token, token_changed
from tokenguard.stores.served import wrong_value
from tokenguard.stores.vault.codec import (
    Envelope,
    StoreDescription,
    another_value,
    how_to_restore,
    pack_envelope,
    unpack_envelope,
)
from tokenguard.stores.vault.derived_entries import DerivedEntries
from tokenguard.stores.vault.event_archive import Blocks
from tokenguard.stores.vault.factory import check_ready, read_about, read_key, write_key
from tokenguard.stores.vault.fingerprint_index import Holders
from tokenguard.stores.vault.folders import Folders
from tokenguard.stores.vault.inventory import VaultInventory
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.migration_marker import put_move
from tokenguard.stores.vault.name_claims import VaultNames
from tokenguard.stores.vault.policies import VaultStoreRole, needs
from tokenguard.stores.vault.shared_items import VaultSharedItems
from tokenguard.stores.vault.standing import paths_asked, role_of
from tokenguard.stores.vault.values import Slots


class VaultStore:
    """A store below one prefix of one mount. A document and its events are written in one compare-and-set."""

    def __init__(self, kv: KvMount, place: VaultAddress, about: StoreDescription, clock: Clock) -> None:
        self._clock = clock
        self._checked = self.uncompared = False
        self._kv = kv
        self._place = place
        self._about = about
        self._names = VaultNames(kv, place)
        self._folders = Folders(kv, place)
        self._holders = Holders(kv, place, self._folders)
        self._blocks = Blocks(kv, place.trails)
        self._inventory = VaultInventory(kv, place, self._folders, detailed=about.detailed)
        self._slots = Slots(kv, place, self._alias_of)
        self._aliases: dict[TokenId, str] = {}
        self._seen: dict[TokenId, tuple[int, Envelope]] = {}

    @property
    def url(self) -> str:
        """The store's address."""
        return self._place.url

    @property
    def store_id(self) -> str:
        """32 hex digits, fixed when the store was created."""
        return self._about.store_id

    @property
    def sandbox(self) -> bool:
        """Whether providers on loopback addresses are allowed."""
        return self._about.sandbox

    @property
    def asked(self) -> int:
        """How many requests this handle sent so far."""
        return self._kv.connection.asked

    @property
    def login_ends_in(self) -> float | None:
        """Seconds until the runner's own access ends, if a person has to replace it."""
        return self._kv.connection.ends_in

    @cached_property
    def role(self) -> VaultStoreRole:
        """Which of the printed roles the login in use has, or comes closest to."""
        return role_of(held(self._kv.connection, paths_asked(self._place)), self._place)

    def problems(self) -> Sequence[PreflightProblem]:
        """What would stop a run of this login's role halfway, as far as it can be asked."""
        lasts = MIN_LIFE if self.role is VaultStoreRole.ROTATOR else 0.0
        needed, now = needs(self.role, self._place), self._clock.monotonic()
        return tuple(problems(self._kv.connection, self._place.mount, needed, now, lasts))

    @property
    def shared_items(self) -> VaultSharedItems:
        """The store's shared items."""
        return VaultSharedItems(self._kv, self._place, self.store_id)

    def actor(self) -> Actor:
        """Return the actor: the login's identity at the server, host and CI run."""
        return replace(current_actor(), id=f"vault:{self._kv.connection.lease.identity}")

    def fingerprint(self, value: Value) -> Fingerprint:
        """The value's fingerprint under this store's key."""
        return fingerprint_of(self._key, value)

    def close(self) -> None:
        """Close the connections."""
        self._kv.connection.close()

    def find(self, name: TokenName) -> Snapshot | None:
        """The token of that name, retired ones included."""
        holder = self._names.holder(name)
        found = self._load(holder) if holder is not None else None
        return found if found is not None and found.document.record.name == name else None

    def holders(self, fingerprint: Fingerprint) -> Sequence[TokenId]:
        """The tokens that may know a value of that fingerprint; one request."""
        return self._holders.of(fingerprint)

    def load(self, token: TokenId) -> Snapshot:
        """One token; InputError if there is none of that id."""
        found = self._load(token)
        if found is None:
            raise no_such_token()
        return found

    def scan(self) -> Iterator[Snapshot]:
        """Every token, ordered by name; one moment's view, read as it is consumed."""
        for row in sorted(self._inventory.rows(), key=lambda row: row.name):
            yield Snapshot(id=row.token, version=row.version, document=decode(bytes(row.document)))

    def passed_over(self) -> Sequence[Stray]:
        """What reading the store has left out so far."""
        return self._folders.strays

    def check(self) -> Sequence[Stray]:
        """Everything in the store's folders that tokenguard did not write, as far as the login may list and read."""
        self._folders.survey()
        made = self._place, self._folders, self._inventory, self._names, self._holders
        tokens = DerivedEntries(*made, self._load).check()
        exchanged = self._exchanged(tokens)
        return (*self._folders.strays, *exchanged)

    def commit(self, token: TokenId, expected: int, document: Document, events: Sequence[Event]) -> Snapshot:
        """Replace the document under compare-and-set, with its events, in one write."""
        self._check_once()
        before = self._expected(token, expected)
        if before is not None:
            check_still_here(before.document, document)
        record = before.document.record if before else None
        alias = before.alias if before else ""
        if record is None or record.name != document.record.name:
            claimed = self._names.claim(token, document.record.name)
            alias = alias or claimed
        known = before.document.fingerprints if before else frozenset()
        self._holders.add(token, document.fingerprints - known)
        self._inventory.about_to_move(token, expected)
        head, entries = extend(token, before.document.chain if before else ChainHead(), events)
        kept = self._blocks.seal(token, before.entries, len(entries)) if before else ()
        stored = Envelope(document=replace(document, chain=head), entries=(*kept, *entries), alias=alias)
        version = self._write(token, stored, expected)
        if before is None:
            self._check_stays()
        self._inventory.moved(token, version, busy=stored.document.busy)
        if record is not None and record.name != document.record.name:
            self._names.free(token, record.name)
        self._holders.remove(token, known - document.fingerprints)
        return self._saw(token, version, stored)

    def batch(self) -> AbstractContextManager[bool]:
        """Each write on its own: KV version 2 changes one entry at a time."""
        return nullcontext(False)

    def history(self, token: TokenId | None) -> Sequence[ChainedEvent]:
        """A token's audit entries, oldest first; None: the store's own."""
        if token is None:
            return self._about.entries
        _, envelope = self._read(token)
        return () if envelope is None else self._entries(token, envelope)

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        """Every token, ordered by name, with its audit entries; a request more for each than `scan`."""
        return map(self._trail, self.scan())

    def move(self) -> Move | None:
        """The move that this store is an end of, as new as when it was opened; None for an ordinary store."""
        return self._about.move

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> None:
        """Replace it under compare-and-set, with events for the store's own chain, in one write."""
        check_ready(self._kv, self._place, VaultStoreRole.BREAK_GLASS, self._clock)
        self._about = put_move(self._kv, self._place, expected, move, events)

    def fingerprint_key(self) -> FingerprintKey:
        """What values are known by here."""
        return FingerprintKey(self._key)

    def take_fingerprint_key(self, key: FingerprintKey) -> None:
        """Know values by another store's key."""
        write_key(self._kv, self._place, key.data)
        self.__dict__.pop("_key", None)

    def put_candidate(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        """Write the slot if it is empty; Conflict otherwise."""
        self._slots.put(token, label, content)

    def read_candidate(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        return self._slots.read(token, label)

    def read_live(self, token: TokenId) -> Live | None:
        """The value consumers get, or None; Tampered if another value was written there."""
        try:
            live = self._slots.live(token)
        except Tampered as foreign:
            raise Tampered(foreign.message, hint=self.how_to_restore(token)) from None
        except VaultError as error:
            if error.reason is VaultFailure.DELETED and error.version:
                self._refuse_unserved(token, error.version)
            raise
        if live is not None and not (self._knows(token, live.value) or self._knows(token, live.value, anew=True)):
            path = self._place.live(self._aliases[token])
            raise another_value(self._kv.mount, path, self._place.candidate(token, live.label), live)
        return live

    def holdings(self) -> Iterator[tuple[Snapshot, HeldValues]]:
        """Every token, ordered by name, with its values."""
        return ((snapshot, StoredValues(self, snapshot.id)) for snapshot in self.scan())

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        """Make the candidate live if the live version is still `pinned`; returns the new version."""
        return self._slots.publish(token, label, pinned)

    def withdraw(self, token: TokenId, pinned: int) -> None:
        """Let nothing be live, under the same pin."""
        self._slots.withdraw(token, pinned)

    def destroy(self, token: TokenId, label: Label) -> None:
        """Turn the slot into a tombstone that keeps the digest; safe to repeat."""
        self._slots.destroy(token, label)

    def how_to_restore(self, token: TokenId) -> str:
        """Return the commands that serve the value in use of a token again, where another one is served."""
        slot = self._slot_in_use(token)
        live = self._kv.read(self._place.live(self._aliases[token]))
        return self._restoring(token, slot, live.version if live else 0)

    def live_place(self, token: TokenId) -> str:
        """The path of a token's live entry, with its mount."""
        return f"{self._kv.mount}/{self._place.live(self._aliases[token])}"

    def _exchanged(self, tokens: Sequence[Snapshot]) -> Sequence[Stray]:
        """Live entries with another value than the token's, as far as the login may read documents and values."""
        try:
            self._key  # noqa: B018 - one that is gone is not told as a wrong value
            first = [self._exchanged_at(each) for each in tokens[:1]]  # alone: a login that may not is refused once
            found = [*first, *in_parallel(self._exchanged_at, tokens[1:]).values()]
        except VaultError as error:
            if error.reason is not VaultFailure.DENIED:
                raise
            self.uncompared = True
            return ()
        return [each for each in found if each is not None]

    def _trail(self, listed: Snapshot) -> tuple[Snapshot, Sequence[ChainedEvent]]:
        """A listed token as its document is, with its audit entries."""
        version, envelope = self._read(listed.id)
        if envelope is None:
            return listed, ()
        found = Snapshot(id=listed.id, version=version, document=envelope.document)
        return found, self._entries(listed.id, envelope)

    def _entries(self, token: TokenId, envelope: Envelope) -> Sequence[ChainedEvent]:
        first = envelope.entries[0].seq if envelope.entries else envelope.document.chain.seq + 1
        return (*self._blocks.before(token, first), *envelope.entries)

    def _exchanged_at(self, snapshot: Snapshot) -> Stray | None:
        try:
            return wrong_value(self, snapshot)
        except VaultError as error:
            if error.reason is not VaultFailure.DELETED:
                raise
            if snapshot.document.record.state is RecordState.RETIRED:
                return None
            what = "the value of a token in use is not served: its entry was deleted"
            return Stray(where=self.live_place(snapshot.id), what=what, hint=error.hint)

    def _refuse_unserved(self, token: TokenId, version: int) -> None:
        """Raise the error with the commands that restore a deleted live entry, if a readable slot holds its value."""
        slot = None
        with suppress(VaultError):  # a role that may not look is told what it was refused before
            slot = self._slot_in_use(token)
        if slot:
            at = self._place.live(self._aliases[token])
            raise VaultError(
                f"the value of a token in use is not served: {self._kv.mount}/{at} was deleted in the vault",
                hint=self._restoring(token, slot, version),
                reason=VaultFailure.DELETED,
            ) from None

    def _restoring(self, token: TokenId, slot: str | None, version: int) -> str:
        return how_to_restore(self._kv.mount, self._place.live(self._aliases[token]), slot, version)

    def _slot_in_use(self, token: TokenId) -> str | None:
        """The path of the slot with the value of a token in use; empty: no slot has it; None: it is not in use."""
        document = self.load(token).document
        mark, journal = document.record.fingerprint, document.journal
        if document.record.state is RecordState.RETIRED or mark is None:
            return None
        for label in chain(sorted(journal.labels) if journal else (), self._labels(token)):
            value = self._slots.read(token, label)
            if isinstance(value, Value) and self.fingerprint(value) == mark:
                return self._place.candidate(token, label)
        return ""

    def _labels(self, token: TokenId) -> Iterator[Label]:
        """Every slot's label; listed when the first is asked for, which not every role may."""
        yield from map(Label, self._kv.names(self._place.at("cand", token)))

    def _check_once(self) -> None:
        """Run the preflight checks before the first write of this process."""
        if not self._checked:
            check_ready(self._kv, self._place, VaultStoreRole.ROTATOR, self._clock)
            self._checked = True

    def _check_stays(self) -> None:
        """After a new token's document is written, check for a concurrent migration, which may not have seen it."""
        self._about = read_about(self._kv, self._place)
        check_may_come(self._about.move, self.url)

    @cached_property
    def _key(self) -> bytes:
        return read_key(self._kv, self._place)

    def _knows(self, token: TokenId, value: Value, *, anew: bool = False) -> bool:
        """Whether a value's fingerprint is on the token's record; `anew`: as it is now, not as it was last read."""
        if anew or token not in self._seen:
            self._load(token)
        _, envelope = self._seen[token]
        document = envelope.document
        try:
            return document.record.fingerprint is None or self.fingerprint(value) in document.fingerprints
        except VaultError as error:
            if error.reason is not VaultFailure.DENIED:
                raise
            return True  # the publisher's role reads values, and not the key of fingerprints: it cannot compare them

    def _load(self, token: TokenId) -> Snapshot | None:
        version, envelope = self._read(token)
        return self._saw(token, version, envelope) if envelope else None

    def _read(self, token: TokenId) -> tuple[int, Envelope | None]:
        """Return a document's version and content (None if missing). Not cached, because an audit reads all of them."""
        path = self._place.document(token)
        entry = self._kv.read(path)
        return (entry.version, unpack_envelope(entry, self._kv.mount, path)) if entry else (0, None)

    def _saw(self, token: TokenId, version: int, envelope: Envelope) -> Snapshot:
        self._aliases[token] = envelope.alias
        self._seen[token] = (version, envelope)
        return Snapshot(id=token, version=version, document=envelope.document)

    def _expected(self, token: TokenId, expected: int) -> Envelope | None:
        """Return the document at the expected version, from the cache or the server."""
        version, envelope = self._seen.get(token, (0, None))
        if version != expected or expected == 0:
            found = self._load(token)
            version, envelope = self._seen[token] if found else (0, None)
        if version != expected:
            raise token_changed()
        return envelope

    def _write(self, token: TokenId, envelope: Envelope, expected: int) -> int:
        try:
            return self._kv.write(self._place.document(token), pack_envelope(envelope, token, expected + 1), expected)
        except CasLost:
            self._seen.pop(token, None)
            raise token_changed() from None

    def _alias_of(self, token: TokenId) -> str | None:
        if token not in self._aliases and self._load(token) is None:
            return None
        return self._aliases[token]
