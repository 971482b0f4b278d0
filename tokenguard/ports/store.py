"""Where documents and values live. One contract suite (`tests/contract`) runs over every adapter."""

from collections.abc import Iterator, Sequence
from enum import StrEnum, unique
from typing import Protocol

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Actor, ChainedEvent, Event
from tokenguard.domain.fingerprint import Fingerprint, FingerprintKey
from tokenguard.domain.migration_status import Move
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Value
from tokenguard.frozen import Frozen


class Tombstone(Frozen, frozen=True, kw_only=True):
    """Stands where a value was, or must never come. `digest` is kept so that fingerprint epochs can rotate."""

    reason: str
    """`reaped` (fences a late writer), `destroyed`."""
    digest: bytes | None = None


@unique
class FieldState(StrEnum):
    """What is at the place of an adopted value; a value in the store's own layout is always `SAME`."""

    SAME = "same"
    OTHER = "other"
    """Another value than the one that was published there: somebody else put it there."""
    NOTHING = "nothing"


class Live(Frozen, frozen=True):
    """What consumers of the store read."""

    label: Label
    version: int
    """Grows with every publish; the pin of the next one. Starts at 1."""
    value: Value
    """What is there now; where nothing is found, what should be."""
    found: FieldState = FieldState.SAME


class Stray(Frozen, frozen=True, kw_only=True):
    """Something in a place of the store's own that is not tokenguard's, and can be no token."""

    where: str
    """Its path, as the store's own tools name it."""
    what: str
    hint: str
    """How to look at it, and how to remove it."""


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
        """Who we are, as the store knows it."""
        ...

    def fingerprint(self, value: Value) -> Fingerprint:
        """The value's fingerprint under this store's key."""
        ...

    def find(self, name: TokenName) -> Snapshot | None:
        """The token of that name, retired ones included."""
        ...

    def holders(self, fingerprint: Fingerprint) -> Sequence[TokenId]:
        """The tokens whose document knows a value of that fingerprint, in the order of their ids; in few requests."""
        ...

    def load(self, token: TokenId) -> Snapshot:
        """One token; InputError if there is none of that id."""
        ...

    def scan(self) -> Iterator[Snapshot]:
        """Every token, ordered by name, without reading any value."""
        ...

    def passed_over(self) -> Sequence[Stray]:
        """What this handle's reading has left out so far, because others put it there; whoever reads must tell."""
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

    def history(self, token: TokenId | None) -> Sequence[ChainedEvent]:
        """A token's audit entries, oldest first; None: the store's own (init, rekey, key slots)."""
        ...

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        """Every token, ordered by name, with what `history` says of it; as few reads as the store allows."""
        ...


class Values(Protocol):
    """The secret side: candidates by label, and which of them is live."""

    def put_candidate(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        """Write the slot if it is empty: the first writer decides. Conflict if anything is there already."""
        ...

    def read_candidate(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        ...

    def read_live(self, token: TokenId) -> Live | None:
        """The value consumers get, or None if nothing was ever published (or it was withdrawn)."""
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
        """Turn the slot into a tombstone that keeps the digest; safe to repeat. Conflict if the label is live."""
        ...


class Movable(Protocol):
    """How a store's content comes to be in another store, and how that is told afterwards."""

    def move(self) -> Move | None:
        """The move that this store is an end of, as new as when it was opened; None for an ordinary store."""
        ...

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> None:
        """Replace it if it still is `expected`, with events for the store's own chain, in one step.

        Raises:
            Conflict: it is another one by now. Nothing was written.
        """
        ...

    def fingerprint_key(self) -> FingerprintKey:
        """What values are known by here."""
        ...

    def take_fingerprint_key(self, key: FingerprintKey) -> None:
        """Know values by another store's key; only for a store that knows none yet. Safe to repeat."""
        ...


class Store(Documents, Values, Movable, Protocol):
    """All sides of one store."""
