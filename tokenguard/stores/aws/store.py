"""Implements the `Store` port on AWS Secrets Manager: `create_store` creates a store, `open_store` opens one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import cached_property

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.clients.aws.secrets import Secrets, new_version
from tokenguard.domain.document import Document, Snapshot, check_still_here
from tokenguard.domain.event import STORE_CHAIN, Actor, ChainedEvent, ChainHead, Event, Op, extend
from tokenguard.domain.fingerprint import Fingerprint, FingerprintKey, fingerprint_of
from tokenguard.domain.migration_status import Move, check_may_come
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import Conflict, InputError, Tampered
from tokenguard.frozen import replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.store import HeldValues, Live, Stray, Tombstone
from tokenguard.stores.actor import current_actor
from tokenguard.stores.aws.codec import StoreBody, pack
from tokenguard.stores.aws.header import Header
from tokenguard.stores.aws.inventory import LAG, AwsInventory
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.name_claims import AwsNames
from tokenguard.stores.aws.projection import STORE
from tokenguard.stores.aws.shared_items import AwsSharedItems
from tokenguard.stores.aws.store_lease import StoreLease
from tokenguard.stores.aws.tokens import CachedToken, Tokens
from tokenguard.stores.aws.values import SecretValues
from tokenguard.stores.held_values import StoredValues
from tokenguard.stores.refusals import name_taken, no_such_token, token_changed
from tokenguard.stores.served import wrong_value


class AwsStore:
    """A store at a prefix of one region. Every transition moves one staging label."""

    def __init__(self, secrets: Secrets, place: AwsPlace, header: StoreBody) -> None:
        self.place = place
        self.header = header
        self.secrets = secrets
        self._tokens = Tokens(secrets, place, header.store_id, lambda: self.header.fingerprint_key)
        self._names = AwsNames(secrets, self._tokens)
        self._values = SecretValues(secrets, self._tokens)
        self._inventory = AwsInventory(self._tokens, self._names.find)
        self._lease = StoreLease(secrets, place.header)
        self._own = Header(secrets, place)
        self.uncompared = False
        """Whether the last check did not compare live values with the records, since the login may not read them."""

    @property
    def url(self) -> str:
        """The store's address."""
        return self.place.url

    @property
    def store_id(self) -> str:
        """32 hex digits, fixed when the store was created."""
        return self.header.store_id

    @property
    def sandbox(self) -> bool:
        """Whether providers on loopback addresses are allowed."""
        return self.header.sandbox

    @property
    def lag(self) -> timedelta:
        """How long a token created by another process may be missing from `scan`."""
        return LAG

    def acquire_lease(self, holder: str) -> None:
        """Acquire the runner lease until `close`; Conflict if another runner holds it."""
        self._lease.acquire(holder)

    def close(self) -> None:
        """Release the runner lease."""
        self._lease.release()

    @property
    def shared_items(self) -> AwsSharedItems:
        """The store's shared items."""
        return AwsSharedItems(self.secrets, self.place, self.store_id)

    def actor(self) -> Actor:
        """Return the actor: the ARN from STS (cached), host and CI run."""
        return self._actor

    @cached_property
    def _actor(self) -> Actor:
        return _actor(self.secrets.client)

    def fingerprint(self, value: Value) -> Fingerprint:
        """The value's fingerprint under this store's key."""
        return fingerprint_of(self.header.fingerprint_key, value)

    def find(self, name: TokenName) -> Snapshot | None:
        """The token of that name, retired ones included."""
        return self._names.find(name)

    def holders(self, fingerprint: Fingerprint) -> Sequence[TokenId]:
        """The tokens whose document knows a value of that fingerprint."""
        return self._inventory.holders(fingerprint)

    def load(self, token: TokenId) -> Snapshot:
        """One token; InputError if there is none of that id."""
        held = self._tokens.load(token)
        if held is None:
            raise no_such_token()
        return held.snapshot

    def scan(self) -> Iterator[Snapshot]:
        """Every token, ordered by name."""
        return self._inventory.scan()

    def passed_over(self) -> Sequence[Stray]:
        """What listing the store has left out so far."""
        return self._inventory.strays

    def check(self) -> Sequence[Stray]:
        """Everything in the store's places that tokenguard did not write, as far as the login may read values."""
        self._own.check()
        return (*self._inventory.survey(), *self._names.misled(self._tokens.known()), *self._exchanged())

    def commit(self, token: TokenId, expected: int, document: Document, events: Sequence[Event]) -> Snapshot:
        """Replace the document under compare-and-set, with its events, in one step."""
        self._lease.renew()
        held = self._expected(token, expected)
        name = document.record.name
        if held is None:
            primary = self._names.secret_for(name, token)
            return self._create(token, primary, document, events)
        check_still_here(held.body.document, document)
        if name != held.body.document.record.name:
            self._names.claim(name, token, held.primary)
        return self._tokens.advance(held, document, events).snapshot

    def batch(self) -> AbstractContextManager[bool]:
        """Each write on its own: the service changes one secret at a time."""
        return nullcontext(False)

    def history(self, token: TokenId | None) -> Sequence[ChainedEvent]:
        """A token's audit entries, oldest first; None: the store's own."""
        if token is None:
            return self.header.entries
        held = self._tokens.load(token)
        return () if held is None else self._tokens.entries(held)

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        """Every token, ordered by name, with its audit entries; a request more for each than `scan`."""
        return map(self._with_entries, self.scan())

    def _with_entries(self, listed: Snapshot) -> tuple[Snapshot, Sequence[ChainedEvent]]:
        held = self._tokens.load(listed.id)
        return (listed, ()) if held is None else (held.snapshot, self._tokens.entries(held))

    def move(self) -> Move | None:
        """The move that this store is an end of, as new as when it was opened; None for an ordinary store."""
        return self.header.move

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> None:
        """Replace it under compare-and-set, with events for the store's own chain, in one step."""
        self.header = self._own.put_move(expected, move, events)

    def fingerprint_key(self) -> FingerprintKey:
        """What values are known by here."""
        return FingerprintKey(self.header.fingerprint_key)

    def take_fingerprint_key(self, key: FingerprintKey) -> None:
        """Know values by another store's key."""
        self.header = self._own.put_key(key)

    def put_candidate(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        """Write the slot if it is empty; Conflict otherwise."""
        self._values.put(token, label, content)

    def read_candidate(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        return self._values.read(token, label)

    def read_live(self, token: TokenId) -> Live | None:
        """The value consumers get, or None; Tampered if another writer wrote it.

        One that the record does not prove is read again: reads may lag.
        """
        try:
            return self.secrets.seen(lambda: self._values.live(token), lambda live: self._proven(token, live))
        except Conflict as changed:
            raise Tampered(changed.message, hint=self.how_to_restore(token)) from None

    def holdings(self) -> Iterator[tuple[Snapshot, HeldValues]]:
        """Every token, ordered by name, with its values."""
        return ((snapshot, StoredValues(self, snapshot.id)) for snapshot in self.scan())

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        """Make the candidate live if the live version is still `pinned`; returns the new version."""
        return self._values.publish(token, label, pinned)

    def withdraw(self, token: TokenId, pinned: int) -> None:
        """Let nothing be live, under the same pin."""
        self._values.withdraw(token, pinned)

    def destroy(self, token: TokenId, label: Label) -> None:
        """Turn the slot into a tombstone that keeps the digest; safe to repeat."""
        self._values.destroy(token, label)

    def how_to_restore(self, token: TokenId) -> str:
        """Return the command that serves the value in use of a token again, where another one is served."""
        record = self.load(token).document.record
        right = None if record.state is RecordState.RETIRED else record.fingerprint
        return self._values.how_to_restore(
            token, record.name, lambda value: (None if value is None else self.fingerprint(value)) == right
        )

    def _proven(self, token: TokenId, live: Live | None) -> bool:
        """Whether the last known state of a token may serve a value; True if none is known."""
        known = self._tokens.newest(token)
        return live is None or known is None or known.body.document.may_serve(self.fingerprint(live.value))

    def live_place(self, token: TokenId) -> str:
        """The name of a token's secret."""
        return self._tokens.primary_of(token) or ""

    def _exchanged(self) -> Iterator[Stray]:
        """Live values that are not the tokens' own: another writer's, an earlier one, or none."""
        for snapshot in self.scan():
            try:
                found = wrong_value(self, snapshot)
            except AwsError as error:
                if error.reason is not AwsFailure.DENIED:
                    raise
                self.uncompared = True
                return
            if found is not None:
                yield found

    def _create(self, token: TokenId, primary: str, document: Document, events: Sequence[Event]) -> Snapshot:
        try:
            made = self._tokens.create(token, primary, document, events)
        except Conflict:
            raise name_taken() from None
        # either a concurrent migration has seen the new token, or this check sees the migration
        _, self.header = self._own.read()
        check_may_come(self.header.move, self.url)
        return made.snapshot

    def _expected(self, token: TokenId, expected: int) -> CachedToken | None:
        """Return the state that a commit expects; None to create the token."""
        held = self._tokens.newest(token)
        if held is None or held.body.version != expected:
            held = self._tokens.load(token)
        if expected != (held.body.version if held else 0):
            raise token_changed()
        return held


def create_store(
    place: AwsPlace, client: AwsClient, clock: Clock, *, kms_key: str = "", sandbox: bool = False
) -> AwsStore:
    """Create a store at `place`.

    Args:
        place: region and prefix.
        client: client for that region.
        clock: dates the first event, and waits for lagging reads.
        kms_key: the KMS key for the store's secrets; empty for the AWS managed key.
        sandbox: allow providers on loopback addresses.

    Raises:
        InputError: there is already a store.
        Unreachable: AWS cannot be reached or denies access.
    """
    event = Event(at=clock.now(), op=Op.INIT, actor=_actor(client))
    _, entries = extend(STORE_CHAIN, ChainHead(), [event])
    header = StoreBody(
        store_id=os.urandom(16).hex(),
        fingerprint_key=os.urandom(32),
        entries=entries,
        kms_key=kms_key,
        sandbox=sandbox,
    )
    secrets = Secrets(client, clock, kms_key=kms_key)
    if not secrets.create(place.header, new_version(), pack(header), {STORE: header.store_id}):
        raise InputError(f"there is already a store at {place.url}", hint="use it, or choose another prefix")
    return AwsStore(secrets, place, header)


def open_store(place: AwsPlace, client: AwsClient, clock: Clock) -> AwsStore:
    """Open the store at `place`.

    Raises:
        InputError: there is no store.
        Unreachable: AWS cannot be reached or denies access.
        Tampered: the content was not written by tokenguard.
    """
    secrets = Secrets(client, clock)
    _, header = Header(secrets, place).read()
    return AwsStore(Secrets(client, clock, kms_key=header.kms_key), place, header)


def _actor(client: AwsClient) -> Actor:
    return replace(current_actor(), id=client.identity())
