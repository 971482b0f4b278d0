"""A consistent snapshot of a store's encrypted rows, read in one pass and decrypted after the lock is released."""

from collections.abc import Iterator

from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.rows import SealedRow, SealedRows
from tokenguard.stores.local.sealing import OpenedRow, RowKind


class StoreSnapshot:
    """The tokens' names and documents, and the rows of what other kinds are asked for. Gives each row once."""

    def __init__(self, rows: SealedRows, *others: RowKind) -> None:
        self._sealer = rows.sealer
        self._names: list[SealedRow] = []
        self._sealed: dict[bytes, SealedRow] = {}
        for found in rows.scan(RowKind.NAME, RowKind.DOCUMENT, *others):
            if found.leaf.kind == RowKind.NAME:
                self._names.append(found)
            else:
                self._sealed[found.leaf.tag] = found

    def get(self, kind: RowKind, key: str) -> OpenedRow | None:
        """The row of `key`, the first time it is asked for."""
        found = self._sealed.pop(self._sealer.tag(kind, key), None)
        return None if found is None else found.open(self._sealer)

    def documents(self) -> Iterator[OpenedRow]:
        """Every document, ordered by the token's name; Tampered if a name leads nowhere."""
        opened = [found.open(self._sealer) for found in self._names]
        for _, token in sorted((row.key, row.data.decode()) for row in opened):
            document = self.get(RowKind.DOCUMENT, token)
            if document is None:
                raise damaged("a name in the store has no document")
            yield document
