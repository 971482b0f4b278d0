"""What a team shares through its store: a few small public files, such as the bundle of own-token tags."""

from enum import StrEnum, unique
from typing import Protocol

from tokenguard.frozen import Frozen
from tokenguard.ports.store import Store


@unique
class Item(StrEnum):
    """What may lie there. A closed list: the shelf is no place for values."""

    FINGERPRINTS = "fingerprints"
    """The signed bundle, as `fingerprints publish` writes it to a file."""
    SCAN_KEY = "scan-key"
    """The text that reads it."""
    POLICY = "policy"
    """The organisation's policy, as `policy publish` writes it."""


class Shared(Frozen, frozen=True):
    """One item as it was read."""

    revision: str
    """What a write must expect."""
    data: bytes


class Shelf(Protocol):
    """Items by name, replaced whole. Both methods may raise Unreachable or Tampered."""

    def read(self, item: Item) -> Shared | None:
        """The item, or None."""
        ...

    def write(self, item: Item, data: bytes, revision: str) -> None:
        """Replace the item if it is still of that revision (empty: there is none).

        Raises:
            Conflict: it is of another one. Nothing was written.
            InputError: it is more than this store holds in one place.
        """
        ...


def shelf_of(store: Store) -> Shelf:
    """The shelf of a store; every adapter has one beside what `Store` asks for."""
    found: Shelf = getattr(store, "shelf")  # noqa: B009 - the two roles are kept apart
    return found
