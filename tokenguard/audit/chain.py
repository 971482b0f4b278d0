"""Recomputes a chain of audit entries: nothing changed, nothing missing, nothing cut off at the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenguard.domain.event import GENESIS, STORE_CHAIN, ChainHead, Entry, entry_hash
from tokenguard.domain.names import TokenName
from tokenguard.ports.store import Documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where a chain stops to hold."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One chain that was recomputed."""

    chain: str
    """A token's id, or `STORE_CHAIN`."""
    name: TokenName | None
    entries: int
    broken: Break | None


def first_break(chain: str, entries: Sequence[Entry], head: ChainHead | None) -> Break | None:
    """Recompute one chain; None if all of it holds.

    Args:
        chain: what its entries are hashed under.
        entries: oldest first.
        head: what the document says the last entry is; None where no document says it (a store's own chain).
    """
    previous = GENESIS
    for seq, entry in enumerate(entries, 1):
        if entry.seq != seq:
            return Break(seq=seq, reason=f"entry {seq} is missing")
        if entry.prev != previous:
            return Break(seq=seq, reason="it does not follow from the one before")
        if entry.hash != entry_hash(chain, seq, previous, entry.event):
            return Break(seq=seq, reason="it was changed")
        previous = entry.hash
    if head is None or (head.seq, head.hash) == (len(entries), previous):
        return None
    reason = "the end of the trail is missing" if head.seq > len(entries) else "the record knows another last entry"
    return Break(seq=len(entries), reason=reason)


def check_all(store: Documents) -> Iterator[Checked]:
    """Recompute the store's own chain and every token's. Raises what the store raises."""
    yield _checked(STORE_CHAIN, None, store.history(None), None)
    for snapshot, entries in store.trails():
        document = snapshot.document
        yield _checked(snapshot.id, document.record.name, entries, document.chain)


def _checked(chain: str, name: TokenName | None, entries: Sequence[Entry], head: ChainHead | None) -> Checked:
    return Checked(chain=chain, name=name, entries=len(entries), broken=first_break(chain, entries, head))
