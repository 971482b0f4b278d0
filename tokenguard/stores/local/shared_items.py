"""Shared items in an embedded store: sealed rows like all others, and a chain of each."""

from collections.abc import Sequence

from tokenguard.domain.event import ChainedEvent, Event
from tokenguard.ports.shared_item import Item, Shared
from tokenguard.stores.local import chains
from tokenguard.stores.local.open_store import StoreSession
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import RowKind
from tokenguard.stores.refusals import shared_changed


class LocalSharedItems:
    """Implements the SharedItems port."""

    def __init__(self, session: StoreSession) -> None:
        self._session = session

    def read(self, item: Item) -> Shared | None:
        """The item, or None."""
        with self._session.reading() as rows:
            return _shared(rows, item)

    def write(self, item: Item, data: bytes, revision: str, events: Sequence[Event]) -> Shared:
        """Replace the item if it still has that revision, with its events; Conflict otherwise."""
        with self._session.writing() as work:
            row = work.rows.get(RowKind.SHARED, item)
            if revision != (str(row.version) if row else ""):
                raise shared_changed(item)
            head = chains.lengthen(work.rows, item.chain, events)
            return Shared(str(work.rows.put(RowKind.SHARED, item, data)), data, head)

    def trail(self, item: Item) -> tuple[Shared, Sequence[ChainedEvent]] | None:
        """The item with its audit entries, oldest first."""
        with self._session.reading() as rows:
            shared = _shared(rows, item)
            return None if shared is None else (shared, chains.entries_of(rows, item.chain, shared.chain))


def _shared(rows: SealedRows, item: Item) -> Shared | None:
    row = rows.get(RowKind.SHARED, item)
    return None if row is None else Shared(str(row.version), row.data, chains.head_of(rows, item.chain))
