"""Shared items on a Vault: one entry each, with its latest events, replaced by compare-and-set."""

import base64
from collections.abc import Sequence

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import CasLost
from tokenguard.domain.event import ChainedEvent, Event, extend
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.ports.shared_item import Item, Shared
from tokenguard.stores.refusals import shared_changed
from tokenguard.stores.shared_item_codec import ItemTrail, check_against_trail, packed, unpacked
from tokenguard.stores.vault.codec import damaged, pack_bound, unpack_bound
from tokenguard.stores.vault.event_archive import Blocks
from tokenguard.stores.vault.layout import MAX_PACKED, VaultAddress


class _Packed(Frozen, frozen=True):
    data: str


class _Found(Frozen, frozen=True):
    version: int
    trail: ItemTrail
    data: bytes

    @property
    def shared(self) -> Shared:
        return Shared(str(self.version), self.data, self.trail.chain)


class VaultSharedItems:
    """Implements the SharedItems port."""

    def __init__(self, kv: KvMount, place: VaultAddress, store_id: str) -> None:
        self._kv = kv
        self._place = place
        self._store_id = store_id

    def read(self, item: Item) -> Shared | None:
        """Return the item, or None; Tampered if it is not what its last event says."""
        found = self._find(item)
        if found is None:
            return None
        check_against_trail(item, found.shared, found.trail)
        return found.shared

    def write(self, item: Item, data: bytes, revision: str, events: Sequence[Event]) -> Shared:
        """Replace the item if it still has that revision, with its events, in one write.

        Raises:
            Conflict: the revision has changed. Nothing was written.
            InputError: the item is too large.
        """
        found = self._find(item) or _Found(0, ItemTrail(id=item, store=self._store_id), b"")
        if found.version != int(revision or 0):
            raise shared_changed(item)
        before = found.trail
        head, entries = extend(item.chain, before.chain, events)
        kept = self._blocks(item).seal(item, before.entries, len(entries))
        trail = ItemTrail(id=item, chain=head, entries=(*kept, *entries), store=self._store_id)
        text = base64.b64encode(packed(trail, data)).decode()
        if len(text) > MAX_PACKED:
            raise InputError(
                f"the {item} exceed the size of one Vault entry", hint="publish them to a file or a web server"
            )
        try:
            version = self._kv.write(
                self._place.shared(item), pack_bound(_Packed(text), found.version + 1), found.version
            )
        except CasLost:
            raise shared_changed(item) from None
        return Shared(str(version), data, head)

    def trail(self, item: Item) -> tuple[Shared, Sequence[ChainedEvent]] | None:
        """Return the item with its audit entries, oldest first."""
        found = self._find(item)
        if found is None:
            return None
        entries = found.trail.entries
        first = entries[0].seq if entries else found.trail.chain.seq + 1
        return found.shared, (*self._blocks(item).before(item, first), *entries)

    def _blocks(self, item: Item) -> Blocks:
        return Blocks(self._kv, self._place.shared_trails(item))

    def _find(self, item: Item) -> _Found | None:
        path = self._place.shared(item)
        entry = self._kv.read(path)
        if entry is None:
            return None
        packed_item = unpack_bound(entry, _Packed, self._kv.mount, path)
        try:
            stored = base64.b64decode(packed_item.data, validate=True)
            return _Found(entry.version, *unpacked(stored, item, self._store_id))
        except ValueError:
            raise damaged(f"the shared {item} is not readable") from None
