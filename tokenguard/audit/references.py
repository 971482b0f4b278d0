"""Compares what audit trails say of approvals and of break-glass with the trails of the approvals and the requests.

An operation names the approval that it was begun under, or the review that it left open. Who removes or replaces the
shared item also removes its trail, and these names remain.
"""

from collections.abc import Iterator

from tokenguard.audit.chain import Checked
from tokenguard.domain.event import Event, Op
from tokenguard.frozen import Frozen
from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Stray

_NAMED = {"approved": Item.APPROVALS, "break_glass": Item.REQUESTS}
"""The detail that names an event of another trail, and the item of that trail."""


class _NamedEvent(Frozen, frozen=True):
    item: Item
    mark: str
    whose: str
    seq: int
    moved: bool
    """Whether a migration followed, which may have left the item behind."""


class References:
    """Collects what the trails of one store name, and what there is of it."""

    def __init__(self) -> None:
        self._named: list[_NamedEvent] = []
        self._there: set[tuple[Item, str]] = set()
        self._chains: set[str] = set()

    def note(self, checked: Checked) -> None:
        """Take in one trail."""
        self._chains.add(checked.chain)
        moved = max((entry.seq for entry in checked.trail if entry.event.op is Op.MIGRATE), default=0)
        for entry in checked.trail:
            self._there.update(_made_by(checked.chain, entry.event))
            self._named += [
                _NamedEvent(item, mark, checked.whose, entry.seq, entry.seq < moved)
                for key, item in _NAMED.items()
                for mark in str(entry.event.detail.get(key, "")).split()
            ]

    def lacking(self) -> Iterator[Stray]:
        """Yield what is named and is not there."""
        for each in self._named:
            left_behind = each.moved and each.item.chain not in self._chains
            if (each.item, each.mark) not in self._there and not left_behind:
                yield Stray(
                    where=f"the shared {each.item}",
                    what=f"entry {each.seq} of the audit trail of {each.whose} names {each.mark.partition('@')[0]}, "
                    "which is not there",
                    hint=f"find out who wrote or removed the {each.item}; restore them from a backup",
                )


def _made_by(chain: str, event: Event) -> Iterator[tuple[Item, str]]:
    """What an event of a shared item's trail lets others name."""
    if chain == Item.APPROVALS.chain and event.op is Op.APPROVE:
        yield Item.APPROVALS, f"{event.detail.get('plan')}@{event.at.isoformat()}"
    if chain == Item.REQUESTS.chain and event.op is Op.BREAK_GLASS:
        yield Item.REQUESTS, str(event.detail.get("digest_of_request"))
