"""Shared items in an embedded store: sealed rows like all others."""

from tokenguard.ports.shelf import Item, Shared
from tokenguard.stores.local.sealing import Kind
from tokenguard.stores.local.session import Session
from tokenguard.stores.refusals import shared_changed


class LocalShelf:
    """Implements the Shelf port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, item: Item) -> Shared | None:
        """The item, or None."""
        with self._session.reading() as rows:
            row = rows.get(Kind.SHARED, item)
        return None if row is None else Shared(str(row.version), row.data)

    def write(self, item: Item, data: bytes, revision: str) -> None:
        """Replace the item if it is still of that revision; Conflict otherwise."""
        with self._session.writing() as work:
            row = work.rows.get(Kind.SHARED, item)
            if revision != (str(row.version) if row else ""):
                raise shared_changed(item)
            work.rows.put(Kind.SHARED, item, data)
