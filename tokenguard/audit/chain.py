"""Recomputes a chain of audit entries: nothing changed, nothing missing, nothing cut off at the end."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import GENESIS, STORE_CHAIN, ChainedEvent, ChainHead, entry_hash
from tokenguard.ports.shared_item import Item, Shared, holds_what_was_shared, shared_trails
from tokenguard.ports.store import Store

Trails = Iterable[tuple[Snapshot, Sequence[ChainedEvent]]]
"""Tokens with their audit entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where a chain stops to hold."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One chain that was recomputed."""

    whose: str
    """A token's name, `the store`, or for example `the shared policy`."""
    chain: str
    """What its entries are hashed under."""
    head: ChainHead
    """Its last entry, as the entries themselves have it."""
    broken: Break | None
    trail: Sequence[ChainedEvent] = ()

    @property
    def entries(self) -> int:
        """How many there are."""
        return self.head.seq


def first_break(chain: str, entries: Sequence[ChainedEvent], head: ChainHead | None) -> Break | None:
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
            return Break(seq=seq, reason="it is not linked to the entry before it")
        if entry.hash != entry_hash(chain, seq, previous, entry.event):
            return Break(seq=seq, reason="it was changed")
        previous = entry.hash
    if head is None or (head.seq, head.hash) == (len(entries), previous):
        return None
    reason = "the end of the trail is missing" if head.seq > len(entries) else "the record names a different last entry"
    return Break(seq=len(entries), reason=reason)


def check_all(store: Store, trails: Trails | None = None) -> Iterator[Checked]:
    """Recompute the store's own chain, every token's and every shared item's. Raises what the store raises.

    Args:
        store: whose chains they are.
        trails: the tokens' entries, where they were read already.
    """
    own = store.history(None)
    yield _checked("the store", STORE_CHAIN, own, first_break(STORE_CHAIN, own, None))
    for snapshot, entries in store.trails() if trails is None else trails:
        document = snapshot.document
        broken = first_break(snapshot.id, entries, document.chain)
        yield _checked(document.record.name, snapshot.id, entries, broken)
    for item, shared, entries in shared_trails(store):
        broken = _shared_break(item, shared, entries)
        yield _checked(f"the shared {item}", item.chain, entries, broken)


def _checked(whose: str, chain: str, entries: Sequence[ChainedEvent], broken: Break | None) -> Checked:
    head = ChainHead(len(entries), entries[-1].hash) if entries else ChainHead()
    return Checked(whose=whose, chain=chain, head=head, broken=broken, trail=entries)


def _shared_break(item: Item, shared: Shared, entries: Sequence[ChainedEvent]) -> Break | None:
    broken = first_break(item.chain, entries, shared.chain)
    if broken is None and not holds_what_was_shared(shared, entries):
        return Break(seq=len(entries), reason="the shared item differs from its audit entry")
    return broken
