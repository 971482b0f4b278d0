"""Older events, sealed in blocks of a fixed size, so that a document stays small and no event is ever lost.

A block is written before the document that no longer carries its events, holds only events that were committed, and is
the same whoever writes it: a lost race or a crash leaves exactly what the next writer would have written.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import CasLost
from tokenguard.domain.event import ChainedEvent
from tokenguard.frozen import Frozen
from tokenguard.stores.vault.codec import damaged, pack, unpack

BLOCK = 32
"""Events in a block; a document carries at most twice as many, and those of its own commit."""


class _EventBlock(Frozen, frozen=True):
    entries: tuple[ChainedEvent, ...]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The sealed part of audit chains, in a folder each below one of these; a key is a token's id, or a shared item."""

    kv: KvMount
    folder: str

    def seal(self, key: str, committed: tuple[ChainedEvent, ...], adding: int) -> tuple[ChainedEvent, ...]:
        """Write the oldest events into blocks until the document has room for `adding` more; returns the others."""
        while len(committed) >= BLOCK and len(committed) + adding > 2 * BLOCK:
            self._write(key, committed[:BLOCK])
            committed = committed[BLOCK:]
        return committed

    def before(self, key: str, first: int) -> Iterator[ChainedEvent]:
        """All sealed events before the one numbered `first`; Tampered if a block is missing."""
        for number in range((first - 1) // BLOCK):
            entry = self.kv.read(self._path(key, number))
            if entry is None:
                raise damaged("a block of audit entries is missing")
            yield from unpack(entry.data, _EventBlock).entries

    def _path(self, key: str, number: int) -> str:
        """Where the block of that number is, counted from 0."""
        return f"{self.folder}/{key}/{number:06d}"

    def _write(self, key: str, entries: tuple[ChainedEvent, ...]) -> None:
        path = self._path(key, (entries[0].seq - 1) // BLOCK)
        try:
            self.kv.write(path, pack(_EventBlock(entries)), 0)
        except CasLost:
            there = self.kv.read(path)
            if there is None or unpack(there.data, _EventBlock).entries != entries:
                raise damaged("a block of audit entries is not what was committed") from None
