"""The store port for documents and values. One contract suite (`tests/contract`) runs on every adapter."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Actor, ChainedEvent, Event
from tokenguard.domain.fingerprint import Fingerprint, FingerprintKey
from tokenguard.domain.migration_status import Move
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen


class Tombstone(Frozen, frozen=True, kw_only=True):
    """Replaces a destroyed value, or blocks a slot for good. `digest` allows fingerprint keys to be replaced."""

    reason: str
    """`reaped` (fences a late writer) or `destroyed`."""
    digest: bytes | None = None


@unique
class FieldState(StrEnum):
    """The state of an adopted value's field; a value in the store itself is always `EXPECTED`."""

    EXPECTED = "same"
    DIFFERENT = "other"
    """A value other than the published one, written by another party."""
    MISSING = "nothing"


class Live(Frozen, frozen=True):
    """The live value, as consumers of the store read it."""

    label: Label
    version: int
    """Incremented by every publish, from 1; the next publish is pinned to it."""
    value: Value
    """The current value; if the field is missing, the expected one."""
    found: FieldState = FieldState.EXPECTED
    ending: bool = False
    """Whether the server will delete it by itself, so that it must be written again."""


class Stray(Frozen, frozen=True, kw_only=True):
    """A foreign entry in the store's own namespace, which is not a token."""

    where: str
    """Its path, as the store's own tools name it."""
    what: str
    hint: str
    """How to look at it, and how to remove it."""
    omits: bool = False
    """Whether lists leave out a token because of it."""


class HeldValues(Protocol):
    """The values of one token, in a listing of all."""

    def live(self) -> Live | None:
        """The value consumers get, as `Values.read_live`."""
        ...

    def candidate(self, label: Label) -> Value | Tombstone | None:
        """What the slot holds, as `Values.read_candidate`."""
        ...


class Documents(Protocol):
    """Records, journals and audit events. All methods may raise Unreachable, WrongKey or Tampered."""

    @property
    def url(self) -> str:
        """How the store is addressed."""
        ...

    @property
    def store_id(self) -> str:
        """32 hex digits, fixed when the store was made."""
        ...

    def actor(self) -> Actor:
        """The current actor, as the store identifies it."""
        ...

    def fingerprint(self, value: Value) -> Fingerprint:
        """The value's fingerprint under this store's key."""
        ...

    def find(self, name: TokenName) -> Snapshot | None:
        """The token of that name, retired ones included."""
        ...

    def holders(self, fingerprint: Fingerprint) -> Sequence[TokenId]:
        """The tokens that may know a value of that fingerprint, in the order of their ids; in few requests.

        `holders_of` says which of them do.
        """
        ...

    def load(self, token: TokenId) -> Snapshot:
        """One token; InputError if there is none of that id."""
        ...

    def scan(self) -> Iterator[Snapshot]:
        """Every token, ordered by name, without reading any value."""
        ...

    def passed_over(self) -> Sequence[Stray]:
        """The foreign entries and the tokens that lists have left out so far; the caller must report them."""
        ...

    def commit(self, token: TokenId, expected: int, document: Document, events: Sequence[Event]) -> Snapshot:
        """Replace the document if its version is `expected` (0: create), with its events, in one step.

        The store extends `document.chain` by the events; what the caller has there is replaced by the stored head.

        Raises:
            Conflict: the version differs, or the name belongs to another token. Nothing was written.
            Moved: the token has moved (`check_still_here`), or is a new one and the store is leaving. No value may
                follow.
        """
        ...

    def batch(self) -> AbstractContextManager[bool]:
        """Make what this thread writes within durable in one commit at its end, all or nothing; gives True.

        A store that cannot do that gives False: each write is then durable on its own, as without a batch. Within, no
        event is durable before the end, so nothing outside the store may be changed. Batches do not nest.
        """
        ...

    def history(self, token: TokenId | None) -> Sequence[ChainedEvent]:
        """A token's audit entries, oldest first; None: the store's own (init, rekey, key slots)."""
        ...

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        """Every token, ordered by name, with what `history` says of it; as few reads as the store allows."""
        ...


class Values(Protocol):
    """Values: candidates by label, and which of them is live."""

    def put_candidate(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        """Write the slot if it is empty: the first writer decides. Conflict if anything is there already."""
        ...

    def read_candidate(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        ...

    def read_live(self, token: TokenId) -> Live | None:
        """The value consumers get, or None if nothing was ever published (or it was withdrawn)."""
        ...

    def holdings(self) -> Iterator[tuple[Snapshot, HeldValues]]:
        """Every token, ordered by name, with its values, read when they are asked for; in as few reads as possible."""
        ...

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        """Make the candidate `label` live if the live version is still `pinned` (0: none); returns the new version.

        Conflict if the live version moved, or the slot is empty or a tombstone.
        """
        ...

    def withdraw(self, token: TokenId, pinned: int) -> None:
        """Let nothing be live (a retired token), under the same pin. The version still grows."""
        ...

    def destroy(self, token: TokenId, label: Label) -> None:
        """Replace the slot by a tombstone that keeps the digest. Idempotent. Conflict if the label is live."""
        ...


class Movable(Protocol):
    """The migration side of a store: its marker and its fingerprint key."""

    def move(self) -> Move | None:
        """The migration this store is part of, as of its opening; None for an ordinary store."""
        ...

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> None:
        """Replace it if it still is `expected`, with events for the store's own chain, in one step.

        Raises:
            Conflict: it is another one by now. Nothing was written.
        """
        ...

    def fingerprint_key(self) -> FingerprintKey:
        """The store's fingerprint key."""
        ...

    def take_fingerprint_key(self, key: FingerprintKey) -> None:
        """Take over another store's fingerprint key; only for a store without fingerprints. Idempotent."""
        ...


class Store(Documents, Values, Movable, Protocol):
    """A complete store."""


@runtime_checkable
class KeyHolding(Protocol):
    """A store that knows its users by the key that opened it."""

    def key_holder(self) -> Actor:
        """Who opened it: `slot:ID`, with host and CI run."""
        ...

    def opens_for(self, identity: str) -> bool:
        """Whether the key of an identity (`slot:ID`) opens the store."""
        ...


@runtime_checkable
class Restoring(Protocol):
    """A store on a server, where others can replace what it serves."""

    def how_to_restore(self, token: TokenId) -> str:
        """Return, as a hint, the commands that serve the value in use of a token again."""
        ...


class StoreWrapper:
    """A store that stands before another one."""

    def __init__(self, underlying: Store) -> None:
        self._underlying = underlying

    @property
    def underlying(self) -> Store:
        """The store behind it."""
        return self._underlying


def underlying_store(store: Store) -> Store:
    """The store itself, where one that also reads adopted values stands before it; for what depends on its kind."""
    return store.underlying if isinstance(store, StoreWrapper) else store


def identity_of(store: Store) -> Actor:
    """Who uses a store, as the store itself can tell: by key slot, or by the login at its server."""
    home = underlying_store(store)
    return home.key_holder() if isinstance(home, KeyHolding) else store.actor()


def has_left(store: Store, identity: str) -> bool:
    """Whether the store knows that an identity has no access any more; a server's logins are not looked up."""
    home = underlying_store(store)
    return isinstance(home, KeyHolding) and not home.opens_for(identity)


def holders_of(store: Store, fingerprint: Fingerprint) -> Iterator[Snapshot]:
    """The tokens whose documents know a value of that fingerprint, in the order of their ids."""
    for token in store.holders(fingerprint):
        found: Snapshot | None = None
        with suppress(InputError):  # a creation that broke off leaves an entry of a token that does not exist
            found = store.load(token)
        if found is not None and fingerprint in found.document.fingerprints:
            yield found


def how_to_restore(store: Store, token: TokenId) -> str:
    """Return how a token's value in use is served again, after another writer has put another one there."""
    home = underlying_store(store)
    return home.how_to_restore(token) if isinstance(home, Restoring) else "restore the store from a backup"
