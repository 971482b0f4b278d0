"""Where a bundle is published: a file, the store's shared items, or both; each publication follows the one before."""

from pathlib import Path

from tokenguard.domain.event import Event, Op
from tokenguard.errors import Tampered
from tokenguard.file_replacement import check_kept, replace_kept
from tokenguard.files import read_limited
from tokenguard.ports.clock import Clock
from tokenguard.ports.shared_item import Item, Shared, share_detail, shared_items_of
from tokenguard.ports.store import Store
from tokenguard.scanning.bundle import MAX_BYTES, Bundle, Publisher, verified

_READABLE = 0o644  # the bundle counts as public


class BundleTargets:
    """The places of one publication.

    Args:
        publisher: signs, and knows its own signature.
        store: if it is to be published as a shared item.
        file: if it is to be published there.
        clock: dates the events.
    """

    def __init__(self, publisher: Publisher, store: Store | None, file: Path | None, clock: Clock) -> None:
        self._publisher = publisher
        self._store = store
        self._file = file
        self._clock = clock
        self._shared: Shared | None = None

    def before(self) -> Bundle | None:
        """The newest bundle of these places, which the next one has to follow.

        Raises:
            Tampered: a bundle is there that this publisher did not sign.
        """
        found = []
        if self._store is not None:
            self._shared = shared_items_of(self._store).read(Item.FINGERPRINTS)
            found += [self._shared.data] if self._shared else []
        if self._file is not None:
            check_kept(self._file.absolute())
        if self._file is not None and self._file.exists():
            found.append(read_limited(self._file, MAX_BYTES))
        bundles = [verified(data, self._publisher.scan_key) for data in found]
        return max(bundles, key=lambda bundle: bundle.version, default=None)

    def publish(self, bundle: Bundle) -> None:
        """Write it everywhere; to the store first, where another publisher may have been quicker.

        Raises:
            Conflict: one was; nothing was written.
            Tampered: the store shares another publisher's key.
        """
        data = self._publisher.signed(bundle)
        if self._store is not None:
            self._share_key(self._store)
            self._share(self._store, Item.FINGERPRINTS, data, self._shared, {"version": bundle.version})
        if self._file is not None:
            replace_kept(self._file.absolute(), data, fresh=_READABLE)

    def _share(self, store: Store, item: Item, data: bytes, before: Shared | None, told: dict[str, int]) -> None:
        detail = {**share_detail(item, data), **told}
        event = Event(at=self._clock.now(), op=Op.SHARE, actor=store.actor(), detail=detail)
        shared_items_of(store).write(item, data, before.revision if before else "", [event])

    def _share_key(self, store: Store) -> None:
        key = self._publisher.scan_key.text().encode()
        there = shared_items_of(store).read(Item.SCAN_KEY)
        if there is None:
            self._share(store, Item.SCAN_KEY, key, None, {})
        elif there.data != key:
            raise Tampered(
                "the store shares the scan key of another publisher",
                hint="publish with the key file that was used before: this machine trusts that key",
            )
