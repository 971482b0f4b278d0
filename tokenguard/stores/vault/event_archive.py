"""Archives older events in blocks of a fixed size, so that documents stay small and no event is lost.

A block is written before the document that no longer contains its events, and holds committed events only. Its content
does not depend on the writer: after a lost race or a crash, the next writer would write the same block.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import CasLost
from tokenguard.domain.event import ChainedEvent
from tokenguard.frozen import Frozen
from tokenguard.stores.vault.codec import damaged, pack, unpack

BLOCK = 32
"""Events per block; a document holds at most twice as many, plus those of its own commit."""


class _EventBlock(Frozen, frozen=True):
    entries: tuple[ChainedEvent, ...]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The archived part of audit chains, one folder per key below `folder`; a key is a token id or a shared item."""

    kv: KvMount
    folder: str

    def seal(self, key: str, committed: tuple[ChainedEvent, ...], adding: int) -> tuple[ChainedEvent, ...]:
        """Archive the oldest events until the document has room for `adding` more; returns the remaining ones."""
        while len(committed) >= BLOCK and len(committed) + adding > 2 * BLOCK:
            self._write(key, committed[:BLOCK])
            committed = committed[BLOCK:]
        return committed

    def before(self, key: str, first: int) -> Iterator[ChainedEvent]:
        """Yield all archived events before number `first`; Tampered if a block is missing."""
        for number in range((first - 1) // BLOCK):
            entry = self.kv.read(self._path(key, number))
            if entry is None:
                raise damaged("a block of audit entries is missing")
            yield from unpack(entry.data, _EventBlock).entries

    def _path(self, key: str, number: int) -> str:
        """Return the path of a block, counted from 0."""
        return f"{self.folder}/{key}/{number:06d}"

    def _write(self, key: str, entries: tuple[ChainedEvent, ...]) -> None:
        path = self._path(key, (entries[0].seq - 1) // BLOCK)
        try:
            self.kv.write(path, pack(_EventBlock(entries)), 0)
        except CasLost:
            there = self.kv.read(path)
            if there is None or unpack(there.data, _EventBlock).entries != entries:
                raise damaged("a block of audit entries was changed after its commit") from None
