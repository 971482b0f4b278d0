"""Audit chains in sealed rows: one per token, one per shared item, and the store's own."""

from collections.abc import Sequence
from typing import Protocol

from tokenguard.domain.event import ChainedEvent, ChainHead, Event, extend
from tokenguard.stores.local.codec import decode, encode
from tokenguard.stores.local.length_prefix import damaged
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import OpenedRow, RowKind


class Readable(Protocol):
    """Rows that are found by kind and key: those of a transaction, or those taken at one moment."""

    def get(self, kind: RowKind, key: str) -> OpenedRow | None:
        """The row of `key`, or None."""
        ...


def append(rows: SealedRows, chain: str, head: ChainHead, events: Sequence[Event]) -> ChainHead:
    """Write `events` behind `head`; returns the new head, which the caller must store."""
    head, entries = extend(chain, head, events)
    for entry in entries:
        rows.put(RowKind.EVENT, entry_key(chain, entry.seq), encode(entry))
    return head


def entries_of(rows: Readable, chain: str, head: ChainHead) -> tuple[ChainedEvent, ...]:
    """All entries up to `head`, oldest first; Tampered if one is missing."""
    found = []
    for seq in range(1, head.seq + 1):
        row = rows.get(RowKind.EVENT, entry_key(chain, seq))
        if row is None:
            raise damaged("an audit entry of the store is missing")
        found.append(decode(row.data, ChainedEvent))
    return tuple(found)


def head_of(rows: SealedRows, chain: str) -> ChainHead:
    """The head of a chain that no document holds: the store's own, a shared item's."""
    row = rows.get(RowKind.CHAIN, chain)
    return ChainHead() if row is None else decode(row.data, ChainHead)


def lengthen(rows: SealedRows, chain: str, events: Sequence[Event]) -> ChainHead:
    """Write `events` behind such a chain, and its new head."""
    head = append(rows, chain, head_of(rows, chain), events)
    rows.put(RowKind.CHAIN, chain, encode(head))
    return head


def entry_key(chain: str, seq: int) -> str:
    """The key of one entry's row."""
    return f"{chain}:{seq}"
