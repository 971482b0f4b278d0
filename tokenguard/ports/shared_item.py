"""What a team shares through its store: a few small public files, such as the bundle of own-token tags.

Each has an audit chain of its own, whose last event names the digest of what it published: what lies there now can be
held against it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from enum import StrEnum, unique
from typing import Protocol

from tokenguard.domain.event import ChainedEvent, ChainHead, Detail, Event
from tokenguard.frozen import Frozen, field
from tokenguard.ports.store import Store


@unique
class Item(StrEnum):
    """The shared items. A closed list: values are never shared."""

    FINGERPRINTS = "fingerprints"
    """The signed bundle, as `fingerprints publish` writes it to a file."""
    SCAN_KEY = "scan-key"
    """The text that reads it."""
    POLICY = "policy"
    """The organisation's policy, as `policy publish` writes it."""
    APPROVALS = "approvals"
    """Approved plans and operations; writable by approvers only."""
    REQUESTS = "requests"
    """Operations that await the approval or the review of a second person; writable by those who run them."""
    OUTBOX = "outbox"
    """Notifications to send and sent; rotators write it, and scanners may not read it."""

    @property
    def chain(self) -> str:
        """What its audit entries are hashed under."""
        return f"shared/{self}"


class Shared(Frozen, frozen=True):
    """One item as it was read."""

    revision: str
    """What a write must expect."""
    data: bytes
    chain: ChainHead = field(default_factory=ChainHead)
    """Its last audit entry; none of what was published before entries were kept."""


class SharedItems(Protocol):
    """Items by name, replaced whole. All methods may raise Unreachable or Tampered."""

    def read(self, item: Item) -> Shared | None:
        """The item, or None."""
        ...

    def write(self, item: Item, data: bytes, revision: str, events: Sequence[Event]) -> Shared:
        """Replace the item if it is still of that revision (empty: there is none), with its events, in one step.

        The store extends the item's chain by the events (each with `share_detail`); returns the item as it is then.

        Raises:
            Conflict: it is of another one. Nothing was written.
            InputError: it is more than this store holds in one place.
        """
        ...

    def trail(self, item: Item) -> tuple[Shared, Sequence[ChainedEvent]] | None:
        """The item with its audit entries, oldest first; None if there is no item."""
        ...


def shared_items_of(store: Store) -> SharedItems:
    """Return the shared items of a store, which every adapter provides."""
    found: SharedItems = getattr(store, "shared_items")  # noqa: B009 - the two roles are kept apart
    return found


def shared_trails(store: Store) -> Iterator[tuple[Item, Shared, Sequence[ChainedEvent]]]:
    """Everything that is shared, with its audit entries, oldest first."""
    items = shared_items_of(store)
    for item in Item:
        if (found := items.trail(item)) is not None:
            yield item, *found


def share_detail(item: Item, data: bytes) -> Detail:
    """What every event that is written with an item says: which it is, and what it holds from then on."""
    return {"item": str(item), "digest": _digest(data)}


def holds_what_was_shared(shared: Shared, entries: Sequence[ChainedEvent]) -> bool:
    """Whether an item is what its last event says; nothing can be said of one without events."""
    return not entries or entries[-1].event.detail.get("digest") == _digest(shared.data)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
