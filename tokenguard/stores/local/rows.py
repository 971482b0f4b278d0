"""Sealed rows by kind and key, inside one transaction; every read is proven by the tree, absence too."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby

from tokenguard.frozen import Frozen
from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.sealing import OpenedRow, RowKind, Sealer, kind_words
from tokenguard.stores.local.tree import BUCKETS, DIGEST_BYTES, Leaf, bucket_digest, bucket_of, digest_in

_LEAVES = "SELECT tag, kind, version, digest, body FROM leaf WHERE tag >= ? AND tag < ? ORDER BY tag"
_LAST_LEAVES = "SELECT tag, kind, version, digest, body FROM leaf WHERE tag >= ? ORDER BY tag"
_ALL_LEAVES = "SELECT tag, kind, version, digest, body FROM leaf ORDER BY tag"
_PUT_LEAF = "INSERT OR REPLACE INTO leaf (tag, kind, version, digest, body) VALUES (?, ?, ?, ?, ?)"


ProvenBuckets = dict[int, tuple[bytes, dict[bytes, Leaf]]]
"""Buckets that were read or written, each with its digest: as long as the root vouches for that, they are as read."""


class SealedRow(Frozen, frozen=True):
    """A verified row that is still encrypted; it is opened after the lock is released."""

    leaf: Leaf
    sealed: bytes

    def open(self, sealer: Sealer) -> OpenedRow:
        """Its content."""
        return sealer.open(self.leaf.kind, self.leaf.tag, self.leaf.version, self.sealed)


class SealedRows:
    """The rows of one store as one transaction sees them.

    Args:
        connection: inside a transaction.
        sealer: seals and opens under the store's data key.
        buckets: the bucket digests that the store's root vouches for.
        proven: what earlier transactions of this process have proven; what this one proves is added.
    """

    def __init__(
        self, connection: sqlite3.Connection, sealer: Sealer, buckets: bytes, proven: ProvenBuckets | None = None
    ) -> None:
        self.sealer = sealer
        self._connection = connection
        self._digests = bytearray(buckets)
        self._loaded: dict[int, dict[bytes, Leaf]] = {}
        self._changed: set[int] = set()
        self._proven = proven

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return bool(self._changed)

    def get(self, kind: RowKind, key: str) -> OpenedRow | None:
        """The row of `key`, or None if it is proven that there is none."""
        leaf = self.leaf(kind, key)
        return None if leaf is None else self.opened(leaf)

    def leaf(self, kind: RowKind, key: str) -> Leaf | None:
        """The place of `key`'s row, or None if it is proven that there is none."""
        tag = self.sealer.tag(kind, key)
        return self._bucket(bucket_of(tag)).get(tag)

    def opened(self, leaf: Leaf) -> OpenedRow:
        """The content of a row that was found proven."""
        return self.sealed(leaf).open(self.sealer)

    def put(self, kind: RowKind, key: str, data: bytes) -> int:
        """Write a row; returns its new version."""
        before = self.leaf(kind, key)
        return self.write(OpenedRow(kind=kind, key=key, version=1 + (before.version if before else 0), data=data))

    def write(self, row: OpenedRow) -> int:
        """Write a row under the version it says; returns that version."""
        tag = self.sealer.tag(row.kind, row.key)
        bucket = self._bucket(bucket_of(tag))
        before = bucket.get(tag)
        sealed = self.sealer.seal(row, tag)
        place = None if before is None else before.body
        cursor = self._connection.execute("INSERT OR REPLACE INTO body (row, sealed) VALUES (?, ?)", (place, sealed))
        body = place if place is not None else cursor.lastrowid
        leaf = Leaf(tag, int(row.kind), row.version, hashlib.sha256(sealed).digest(), body or 0)
        self._connection.execute(_PUT_LEAF, (leaf.tag, leaf.kind, leaf.version, leaf.digest, leaf.body))
        bucket[tag] = leaf
        self._changed.add(bucket_of(tag))
        return row.version

    def delete(self, kind: RowKind, key: str) -> None:
        """Remove a row, if it is there."""
        tag = self.sealer.tag(kind, key)
        leaf = self._bucket(bucket_of(tag)).pop(tag, None)
        if leaf is not None:
            self._connection.execute("DELETE FROM body WHERE row = ?", (leaf.body,))
            self._connection.execute("DELETE FROM leaf WHERE tag = ?", (tag,))
            self._changed.add(bucket_of(tag))

    def leaves(self) -> Iterator[Leaf]:
        """Every row's place, in no useful order. The whole tree is verified on the way."""
        stored = (Leaf.stored(columns) for columns in self._connection.execute(_ALL_LEAVES))
        groups = groupby(stored, key=lambda leaf: bucket_of(leaf.tag))
        ahead = next(groups, None)
        for bucket in range(BUCKETS):
            leaves: list[Leaf] = []
            if ahead is not None and ahead[0] == bucket:
                leaves, ahead = list(ahead[1]), next(groups, None)
            if bucket in self._changed:  # any other is verified as the file has it now
                leaves = list(self._loaded[bucket].values())
            else:
                self._check(bucket, leaves)
            yield from leaves

    def scan(self, *kinds: RowKind) -> Iterator[SealedRow]:
        """All rows of these kinds, in no useful order, still sealed."""
        return (self.sealed(leaf) for leaf in self.leaves() if leaf.kind in kinds)

    def digests(self) -> bytes:
        """The bucket digests as the writes have left them."""
        for bucket in self._changed:
            digest = self._digest_of(bucket)
            self._digests[bucket * DIGEST_BYTES : (bucket + 1) * DIGEST_BYTES] = digest
            if self._proven is not None:
                self._proven[bucket] = digest, dict(self._loaded[bucket])
        return bytes(self._digests)

    def _digest_of(self, bucket: int) -> bytes:
        leaves = self._loaded[bucket]
        return bucket_digest(leaves[tag] for tag in sorted(leaves))

    def _bucket(self, bucket: int) -> dict[bytes, Leaf]:
        if bucket not in self._loaded:
            self._loaded[bucket] = self._known(bucket)
        return self._loaded[bucket]

    def _known(self, bucket: int) -> dict[bytes, Leaf]:
        """A bucket as it was read before, if the root still vouches for that; else as it is read now."""
        digest = digest_in(self._digests, bucket)
        if self._proven is not None and (found := self._proven.get(bucket)) is not None and found[0] == digest:
            return dict(found[1])
        leaves = {leaf.tag: leaf for leaf in self._read(bucket)}
        if self._proven is not None:
            self._proven[bucket] = digest, dict(leaves)
        return leaves

    def _read(self, bucket: int) -> list[Leaf]:
        first = bytes([bucket])
        last = bucket == BUCKETS - 1
        found = self._connection.execute(
            _LAST_LEAVES if last else _LEAVES, (first,) if last else (first, bytes([bucket + 1]))
        )
        leaves = [Leaf.stored(columns) for columns in found]
        self._check(bucket, leaves)
        return leaves

    def _check(self, bucket: int, leaves: Sequence[Leaf]) -> None:
        if bucket_digest(leaves) != digest_in(self._digests, bucket):
            raise damaged("rows of the store were changed, removed, added or rolled back")

    def sealed(self, leaf: Leaf) -> SealedRow:
        """A row that was found proven, still sealed; Tampered if it is not the one that was written."""
        found = self._connection.execute("SELECT sealed FROM body WHERE row = ?", (leaf.body,)).fetchone()
        sealed = found[0] if found else None
        if not isinstance(sealed, bytes) or hashlib.sha256(sealed).digest() != leaf.digest:
            raise damaged(f"the {kind_words(leaf.kind)} row {leaf.tag.hex()} is not what was written")
        return SealedRow(leaf, sealed)
