"""Shared items in Secrets Manager: one secret each, with its latest events, replaced by moving one label."""

from collections.abc import Sequence

from tokenguard.clients.aws.secrets import CURRENT, MAX_BYTES, Secrets, Stored, new_version
from tokenguard.domain.event import ChainedEvent, ChainHead, Event, extend
from tokenguard.errors import Conflict, InputError, Tampered
from tokenguard.frozen import replace
from tokenguard.ports.shared_item import Item, Shared, holds_what_was_shared
from tokenguard.stores.aws.codec import damaged
from tokenguard.stores.aws.event_archive import Block, Trail
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.projection import STORE
from tokenguard.stores.aws.put_back import check_current
from tokenguard.stores.refusals import shared_changed
from tokenguard.stores.shared_item_codec import ItemTrail, check_against_trail, packed, unpacked

_MOST = 32
"""Maximum number of entries stored with an item before they move to a block."""
_REFERENCE = 64
"""Maximum size in bytes of a block's location."""


class AwsSharedItems:
    """Implements the SharedItems port."""

    def __init__(self, secrets: Secrets, place: AwsPlace, store_id: str) -> None:
        self._secrets = secrets
        self._place = place
        self._store_id = store_id
        self._trail = Trail(secrets, place.shared_archive, store_id)

    def read(self, item: Item) -> Shared | None:
        """Return the item, or None; Tampered if it is not what its last event says."""
        found = self._find(item)
        if found is None:
            return None
        check_against_trail(item, *found)
        return found[0]

    def write(self, item: Item, data: bytes, revision: str, events: Sequence[Event]) -> Shared:
        """Replace the item if it still has that revision, with its events, in one step.

        Raises:
            Conflict: the revision has changed. Nothing that was written takes effect.
            InputError: the item is too large.
        """
        at = new_version()
        if revision:
            return self._advance(item, data, revision, at, events)
        head, entries = extend(item.chain, ChainHead(), events)
        body = _fitting(packed(ItemTrail(id=item, chain=head, entries=entries, store=self._store_id), data), item)
        if not self._secrets.create(self._place.shared(item), at, body, {STORE: self._store_id}):
            raise shared_changed(item)
        return Shared(at, data, head)

    def trail(self, item: Item) -> tuple[Shared, Sequence[ChainedEvent]] | None:
        """Return the item with its audit entries, oldest first."""
        found = self._find(item)
        return None if found is None else (found[0], self._trail.entries(self._place.shared(item), found[1]))

    def _advance(self, item: Item, data: bytes, revision: str, at: str, events: Sequence[Event]) -> Shared:
        secret = self._place.shared(item)
        stored = self._secrets.read(secret, version=revision)
        if stored is None:
            raise shared_changed(item)
        before, _ = _opened(stored, item, self._store_id)
        head, entries = extend(item.chain, before.chain, events)
        trail = replace(before, chain=head, entries=(*before.entries, *entries))
        _fitting(packed(replace(trail, entries=()), data), item, spare=_REFERENCE)
        block: Block | None = None
        if len(trail.entries) > _MOST or len(packed(trail, data)) > MAX_BYTES:
            trail, block = self._trail.moved_out(secret, trail, 0)
        self._secrets.write(secret, at, packed(trail, data))
        try:
            self._secrets.move(secret, CURRENT, at, revision)
        except Conflict:
            if block:
                self._trail.forget(secret, item, block)
            raise shared_changed(item) from None
        return Shared(at, data, head)

    def _find(self, item: Item) -> tuple[Shared, ItemTrail] | None:
        secret = self._place.shared(item)
        stored = self._secrets.read(secret)
        if stored is None:
            return None
        trail, data = _opened(stored, item, self._store_id)
        found = Shared(stored.version, data, trail.chain)
        whole = holds_what_was_shared(found, trail.entries)  # the audit finds what is not
        if whole and not check_current(
            self._secrets, secret, self._place.region, stored, lambda each: _length(each, item, self._store_id)
        ):
            return self._find(item)
        return found, trail


def _opened(stored: Stored, item: Item, store: str) -> tuple[ItemTrail, bytes]:
    try:
        return unpacked(stored.data if isinstance(stored.data, bytes) else b"", item, store)
    except ValueError:
        raise damaged(f"the shared {item} is not readable") from None


def _length(stored: Stored, item: Item, store: str) -> int:
    try:
        return _opened(stored, item, store)[0].chain.seq
    except Tampered:
        return 0


def _fitting(body: bytes, item: Item, *, spare: int = 0) -> bytes:
    if len(body) > MAX_BYTES - spare:
        raise InputError(f"the {item} exceed the size of one AWS secret", hint="publish them to a file or a web server")
    return body
