"""Sealed rows of a batch: a row that is written several times is sealed once, when the batch is committed."""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import OpenedRow, RowKind, Sealer
from tokenguard.stores.local.tree import Leaf, bucket_of, digest_of

_Place = tuple[RowKind, str]


class ProvenRows(NamedTuple):
    """The rows that a batch has read or written."""

    leaves: dict[int, dict[bytes, Leaf]]
    encoded: dict[int, list[bytes]]
    """What the digests of buckets cover, in order, as it was when they were made last."""


class BatchRows(SealedRows):
    """Rows whose writes stay in memory until the batch ends, or a scan needs them in the file.

    Args:
        connection: inside a transaction.
        sealer: seals and opens under the store's data key.
        buckets: the bucket digests that the store's root vouches for.
        known: what the batch before had proven, if the root is still the one that it left.
    """

    def __init__(
        self, connection: sqlite3.Connection, sealer: Sealer, buckets: bytes, known: "ProvenRows | None" = None
    ) -> None:
        super().__init__(connection, sealer, buckets)
        self._waiting: dict[_Place, OpenedRow | None] = {}
        """What is not written yet; None for a row that is to be deleted."""
        self._before: dict[_Place, tuple[OpenedRow | None, ...]] | None = None
        """What waited at each place when the open step began: one row, or nothing."""
        self._encoded: dict[int, list[bytes]] = {}
        self._stale: dict[int, set[bytes]] = {}
        """The tags of a bucket that were written since."""
        if known is not None:
            self._loaded, self._encoded = known

    @property
    def proven(self) -> ProvenRows:
        """What the next batch may take over."""
        return ProvenRows(self._loaded, self._encoded)

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return bool(self._waiting) or super().changed

    @contextmanager
    def step(self) -> Iterator[None]:
        """One of the batch's writes: if the block raises, what it wrote is undone."""
        self._before = {}
        try:
            yield
        except BaseException:
            for place, waited in self._before.items():
                del self._waiting[place]
                self._waiting.update(zip([place], waited, strict=False))
            raise
        finally:
            self._before = None

    def get(self, kind: RowKind, key: str) -> OpenedRow | None:
        """The row of `key`, or None if it is proven that there is none."""
        place = kind, key
        return self._waiting[place] if place in self._waiting else super().get(kind, key)

    def put(self, kind: RowKind, key: str, data: bytes) -> int:
        """Write a row; returns its new version."""
        place = kind, key
        before = self._waiting[place] if place in self._waiting else self.leaf(kind, key)
        row = OpenedRow(kind=kind, key=key, version=1 + (before.version if before else 0), data=data)
        self._wait(place, row)
        return row.version

    def delete(self, kind: RowKind, key: str) -> None:
        """Remove a row, if it is there."""
        self._wait((kind, key), None)

    def leaves(self) -> Iterator[Leaf]:
        """Every row's place, in no useful order. The whole tree is verified on the way."""
        self._write_waiting()
        return super().leaves()

    def write(self, row: OpenedRow) -> int:
        """Write a row under the version it says; returns that version."""
        self._note_stale(row.kind, row.key)
        return super().write(row)

    def digests(self) -> bytes:
        """The bucket digests as the writes have left them."""
        self._write_waiting()
        return super().digests()

    def _digest_of(self, bucket: int) -> bytes:
        """As `SealedRows`; a bucket of thousands of rows, of which a few were written, is not put in order again."""
        leaves, encoded = self._loaded[bucket], self._encoded.get(bucket)
        if encoded is None:
            encoded = self._encoded[bucket] = sorted(leaf.encoded for leaf in leaves.values())
        for tag in self._stale.pop(bucket, ()):
            place = bisect_left(encoded, tag)
            if place < len(encoded) and encoded[place].startswith(tag):
                del encoded[place]
            if tag in leaves:
                encoded.insert(place, leaves[tag].encoded)
        return digest_of(encoded)

    def _note_stale(self, kind: RowKind, key: str) -> None:
        tag = self.sealer.tag(kind, key)
        self._stale.setdefault(bucket_of(tag), set()).add(tag)

    def _wait(self, place: _Place, row: OpenedRow | None) -> None:
        if self._before is not None and place not in self._before:
            self._before[place] = (self._waiting[place],) if place in self._waiting else ()
        self._waiting[place] = row

    def _write_waiting(self) -> None:
        if self._before:
            raise RuntimeError("a step of a batch cannot be undone once it is written")
        waiting, self._waiting = self._waiting, {}
        for place, row in waiting.items():
            if row is None:
                self._note_stale(*place)
                super().delete(*place)
            else:
                self.write(row)
