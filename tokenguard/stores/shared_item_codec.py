"""A shared item as it lies in one entry of a store: its trail in front, its bytes behind, deflated in one piece."""

import zlib

import msgspec

from tokenguard.domain.event import ChainedEvent, ChainHead
from tokenguard.frozen import Frozen, field
from tokenguard.ports.shared_item import Item
from tokenguard.stores.decompress import decompress_limited

_MARK = b"\0trail\n"
"""What was published before trails were kept is bytes alone, and begins otherwise: it is text."""
_MAX_BYTES = 32 << 20


class ItemTrail(Frozen, frozen=True, kw_only=True):
    """The chain of one item, as far as it lies beside the item itself."""

    id: Item
    chain: ChainHead = field(default_factory=ChainHead)
    entries: tuple[ChainedEvent, ...] = ()
    """The latest entries; earlier ones are in blocks."""
    blocks: tuple[str, ...] = ()
    """Where those are, in a store that has to be told."""


def packed(trail: ItemTrail, data: bytes) -> bytes:
    """An item with its trail, deflated."""
    return zlib.compress(_MARK + msgspec.json.encode(trail, order="deterministic") + b"\n" + data, 9)


def unpacked(stored: bytes, item: Item) -> tuple[ItemTrail, bytes]:
    """Read what `packed` wrote, or an item without a trail; ValueError for anything else, another item's too."""
    try:
        plain = decompress_limited(stored, _MAX_BYTES)
        if not plain.startswith(_MARK):
            return ItemTrail(id=item), plain
        trail, _, data = plain.removeprefix(_MARK).partition(b"\n")
        found = msgspec.json.decode(trail, type=ItemTrail)
    except (zlib.error, msgspec.DecodeError, RecursionError):
        found = None
    if found is None or found.id is not item:
        raise ValueError(item)
    return found, data
