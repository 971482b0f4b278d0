"""Recomputes a chain of audit entries: nothing changed, nothing missing, nothing cut off at the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenguard.domain.event import GENESIS, ChainHead, Entry, entry_hash
from tokenguard.domain.names import TokenName
from tokenguard.ports.store import Documents

STORE_CHAIN = "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first entry of a chain that does not hold."""

    chain: str
    """A token's id, or `store`."""
    name: TokenName | None
    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One chain that was recomputed."""

    chain: str
    name: TokenName | None
    entries: int
    broken: Break | None


def check_chain(chain: str, name: TokenName | None, entries: Sequence[Entry], head: ChainHead | None) -> Checked:
    """Recompute one chain.

    Args:
        chain: what its entries are hashed under.
        name: whose it is.
        entries: oldest first.
        head: what the document says the last entry is; None where there is no document (the store's own chain).
    """
    previous, broken = GENESIS, None
    for seq, entry in enumerate(entries, 1):
        if entry.seq != seq:
            broken = f"entry {seq} is missing"
        elif entry.prev != previous:
            broken = "it does not follow from the one before"
        elif entry.hash != entry_hash(chain, seq, previous, entry.event):
            broken = "it was changed"
        if broken:
            return _checked(chain, name, entries, Break(chain=chain, name=name, seq=seq, reason=broken))
        previous = entry.hash
    if head is not None and (head.seq, head.hash) != (len(entries), previous):
        reason = "the end of the trail is missing" if head.seq > len(entries) else "the record knows another last entry"
        return _checked(chain, name, entries, Break(chain=chain, name=name, seq=len(entries), reason=reason))
    return _checked(chain, name, entries, None)


def check_all(store: Documents) -> Iterator[Checked]:
    """Recompute the store's own chain and every token's. Raises what the store raises."""
    yield check_chain(STORE_CHAIN, None, store.history(None), None)
    for snapshot, entries in store.trails():
        document = snapshot.document
        yield check_chain(snapshot.id, document.record.name, entries, document.chain)


def _checked(chain: str, name: TokenName | None, entries: Sequence[Entry], broken: Break | None) -> Checked:
    return Checked(chain=chain, name=name, entries=len(entries), broken=broken)
