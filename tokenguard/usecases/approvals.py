"""The approvals of the store in use: read once, verified against their audit trail."""

from collections.abc import Sequence
from functools import cached_property

from tokenguard.audit.chain import first_break
from tokenguard.domain.event import ChainedEvent, Event, Op
from tokenguard.domain.second_person import SensitiveOperation
from tokenguard.errors import Tampered
from tokenguard.ports.clock import Clock
from tokenguard.ports.shared_item import Item, Shared, share_detail, shared_items_of
from tokenguard.ports.store import Store, identity_of
from tokenguard.provisioning.approval import (
    Approval,
    ApprovalVerdict,
    judge,
    judge_operation,
    read_approvals,
    with_another,
)
from tokenguard.provisioning.plan_model import Action


def verified_trail(store: Store, item: Item) -> tuple[Shared, Sequence[ChainedEvent]] | None:
    """A shared item with its audit trail, or None if it was never written.

    Raises:
        Unreachable: it cannot be read.
        Tampered: its trail is not what was written.
    """
    found = shared_items_of(store).trail(item)
    if found is not None and first_break(item.chain, found[1], found[0].chain) is not None:
        raise Tampered(
            f"the audit chain of the {item} is broken", hint="`tokenguard audit verify` says where it breaks"
        )
    return found


class StoreApprovals:
    """Approvals kept as a shared item of the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def verdict(self, action: Action) -> ApprovalVerdict:
        """Whether the new items of an action are approved.

        Raises:
            Unreachable: they cannot be read.
            Tampered: they are not what was written.
        """
        history = self._store.history(action.token) if action.token else ()
        return judge(
            self._read[1], action, store=self._store.store_id, now=self._clock.now(), history=history
        )  # fmt: skip

    def of_operation(self, operation: SensitiveOperation, by: str) -> ApprovalVerdict:
        """Whether another person approved a sensitive operation that this identity runs; raises as `verdict` does."""
        approvals = self._read[1]
        history = self._store.history(operation.token or None) if approvals else ()
        return judge_operation(
            approvals, operation, store=self._store.store_id, by=by, now=self._clock.now(), history=history
        )

    @property
    def entries(self) -> Sequence[ChainedEvent]:
        """The audit trail of the approvals."""
        return self._read[2]

    def add(self, approval: Approval) -> None:
        """Put one more on record, with its event; Conflict if another one was put there at the same moment."""
        shared, there, _ = self._read
        data = with_another(there, approval)
        detail = {**share_detail(Item.APPROVALS, data), "plan": approval.plan, "covers": len(approval.covers)}
        detail["until"] = approval.until.date().isoformat()
        if approval.reason:
            detail["reason"] = approval.reason
        event = Event(at=approval.at, op=Op.APPROVE, actor=identity_of(self._store), detail=detail)
        shared_items_of(self._store).write(Item.APPROVALS, data, shared.revision if shared else "", [event])

    @cached_property
    def _read(self) -> tuple[Shared | None, tuple[Approval, ...], Sequence[ChainedEvent]]:
        found = verified_trail(self._store, Item.APPROVALS)
        if found is None:
            return None, (), ()
        shared, entries = found
        return shared, read_approvals(shared, entries), entries
