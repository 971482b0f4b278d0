"""The stored form of a shared item: its audit trail followed by its bytes, compressed as one piece."""

import zlib

import msgspec

from tokenguard.domain.event import ChainedEvent, ChainHead
from tokenguard.errors import Tampered
from tokenguard.frozen import Frozen, field, replace
from tokenguard.ports.shared_item import Item, Shared, holds_what_was_shared
from tokenguard.stores.decompress import decompress_limited

_MARK = b"\0trail\n"
"""Marks an item with a trail. Items published before trails existed are plain text and start differently."""
_MAX_BYTES = 32 << 20


class ItemTrail(Frozen, frozen=True, kw_only=True):
    """The part of an item's audit chain that is stored with the item."""

    id: Item
    chain: ChainHead = field(default_factory=ChainHead)
    entries: tuple[ChainedEvent, ...] = ()
    """The latest entries; earlier ones are archived in blocks."""
    blocks: tuple[str, ...] = ()
    """The blocks' locations, in a store that needs them."""
    store: str = ""
    """The id of the store; empty in items of earlier versions."""


def packed(trail: ItemTrail, data: bytes) -> bytes:
    """Compress an item with its trail."""
    return zlib.compress(_MARK + msgspec.json.encode(trail, order="deterministic") + b"\n" + data, 9)


def unpacked(stored: bytes, item: Item, store: str) -> tuple[ItemTrail, bytes]:
    """Read what `packed` wrote, or an item without a trail; ValueError for anything else, another store's too."""
    try:
        plain = decompress_limited(stored, _MAX_BYTES)
        if not plain.startswith(_MARK):
            return ItemTrail(id=item, store=store), plain
        trail, _, data = plain.removeprefix(_MARK).partition(b"\n")
        found = msgspec.json.decode(trail, type=ItemTrail)
    except (zlib.error, msgspec.DecodeError, RecursionError):
        found = None
    if found is None or found.id is not item or found.store not in {"", store}:
        raise ValueError(item)
    return replace(found, store=store), data


def check_against_trail(item: Item, shared: Shared, trail: ItemTrail) -> None:
    """Raise Tampered if an item is not what its last event says."""
    if not holds_what_was_shared(shared, trail.entries):
        raise Tampered(
            f"the shared {item} is not what its audit trail says was published",
            hint="`tokenguard audit verify` names the entry; find out who wrote it, and publish it again",
        )
