"""Audit chains in sealed rows: one per token, and the store's own."""

from collections.abc import Sequence
from typing import Protocol

from tokenguard.domain.event import STORE_CHAIN, ChainHead, Entry, Event, extend
from tokenguard.stores.local.contents import decode, encode
from tokenguard.stores.local.framing import damaged
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import Kind, Row


class Readable(Protocol):
    """Rows that are found by kind and key: those of a transaction, or those taken at one moment."""

    def get(self, kind: Kind, key: str) -> Row | None:
        """The row of `key`, or None."""
        ...


def append(rows: SealedRows, chain: str, head: ChainHead, events: Sequence[Event]) -> ChainHead:
    """Write `events` behind `head`; returns the new head, which the caller must store."""
    head, entries = extend(chain, head, events)
    for entry in entries:
        rows.put(Kind.EVENT, entry_key(chain, entry.seq), encode(entry))
    return head


def entries_of(rows: Readable, chain: str, head: ChainHead) -> tuple[Entry, ...]:
    """All entries up to `head`, oldest first; Tampered if one is missing."""
    found = []
    for seq in range(1, head.seq + 1):
        row = rows.get(Kind.EVENT, entry_key(chain, seq))
        if row is None:
            raise damaged("an audit entry of the store is missing")
        found.append(decode(row.data, Entry))
    return tuple(found)


def store_head(rows: SealedRows) -> ChainHead:
    """The head of the store's own chain."""
    row = rows.get(Kind.CHAIN, STORE_CHAIN)
    return ChainHead() if row is None else decode(row.data, ChainHead)


def append_to_store(rows: SealedRows, event: Event) -> None:
    """Write one event of the store's own: init, rekey, key slots."""
    head = append(rows, STORE_CHAIN, store_head(rows), [event])
    rows.put(Kind.CHAIN, STORE_CHAIN, encode(head))


def entry_key(chain: str, seq: int) -> str:
    """The key of one entry's row."""
    return f"{chain}:{seq}"
