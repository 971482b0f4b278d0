"""The approvals of the store in use: read once, verified against their audit trail."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property

from tokenguard.audit.chain import first_break
from tokenguard.domain.clock_correction import CORRECTED, since_correction
from tokenguard.domain.event import ChainedEvent, Detail, Event, Op
from tokenguard.domain.second_person import SensitiveOperation
from tokenguard.errors import Tampered
from tokenguard.ports.clock import Clock, is_behind, refuse_if_behind
from tokenguard.ports.shared_item import Item, Shared, share_detail, shared_items_of
from tokenguard.ports.store import Store, has_left, identity_of
from tokenguard.provisioning.approval import (
    Approval,
    ApprovalVerdict,
    KeptApprovals,
    judge,
    judge_operation,
    read_approvals,
    with_another,
    with_rule,
    without_later,
)
from tokenguard.provisioning.plan_model import Action

_NEVER = datetime.min.replace(tzinfo=UTC)


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
        return self._judged(
            lambda given: judge(given, action, store=self._store.store_id, now=self._clock.now(), history=history)
        )

    def of_operation(self, operation: SensitiveOperation, by: str) -> ApprovalVerdict:
        """Whether another person approved a sensitive operation that this identity runs; raises as `verdict` does."""
        history = self._history(operation) if self._read[1].approvals else ()
        return self._judged(
            lambda given: judge_operation(
                given, operation, store=self._store.store_id, by=by, now=self._clock.now(), history=history
            )
        )

    def _judged(self, judged: Callable[[Sequence[Approval]], ApprovalVerdict]) -> ApprovalVerdict:
        """What the approvals of those say who still have access, as far as the store can tell."""
        given, standing = self._read[1].approvals, self._standing
        verdict = self._timely(judged(standing))
        if verdict.approval is None and len(standing) < len(given) and judged(given).approval is not None:
            return ApprovalVerdict(why="the key of its approver was removed from the store")
        return verdict

    def _timely(self, verdict: ApprovalVerdict) -> ApprovalVerdict:
        """A clock that was set back makes no approval valid again, also where the token has no trail of its own yet."""
        if verdict.approval is not None and is_behind(self._clock.now(), self._latest):
            return ApprovalVerdict(why="this machine's clock is behind the timestamps in the store")
        return verdict

    @cached_property
    def _standing(self) -> Sequence[Approval]:
        """Those whose approver still has access."""
        gone = {by for by in {each.by for each in self._read[1].approvals} if has_left(self._store, by)}
        return [each for each in self._read[1].approvals if each.by not in gone]

    @cached_property
    def _latest(self) -> datetime:
        """The latest time that the store's documents and the trail of the approvals have recorded."""
        times = [snapshot.document.latest for snapshot in self._store.scan()]
        return max((*times, self.latest_entry), default=_NEVER)

    def _history(self, operation: SensitiveOperation) -> Sequence[ChainedEvent]:
        """Where it shows whether an operation was begun: of a token without a record, the trails of its former ones."""
        if operation.token or not operation.name:
            return self._store.history(operation.token or None)
        return [
            entry
            for _, entries in self._store.trails()
            for entry in entries
            if entry.event.name == operation.name and "approved" in entry.event.detail
        ]

    @property
    def rule(self) -> str:
        """The rule `second-person` that binds every runner, as a policy file; empty: none is pinned."""
        return self._read[1].rule

    @property
    def given(self) -> Sequence[Approval]:
        """Those on the list, also of people who have no access any more."""
        return self._read[1].approvals

    @property
    def entries(self) -> Sequence[ChainedEvent]:
        """The audit trail of the approvals."""
        return self._read[2]

    def add(self, approval: Approval) -> None:
        """Put one more on record, with its event.

        Raises:
            Conflict: another one was put there at the same moment.
            InputError: this machine's clock is behind, so that it would end early.
        """
        refuse_if_behind(self._clock.now(), self._latest)
        shared, there, _ = self._read
        data = with_another(there, approval)
        detail: Detail = {"plan": approval.plan, "covers": len(approval.covers)}
        detail["until"] = approval.until.date().isoformat()
        self._write(shared, data, approval.reason, at=approval.at, detail=detail)

    @property
    def latest_entry(self) -> datetime:
        """The latest time in the trail of the approvals that no correction has followed."""
        return max((entry.event.at for entry in since_correction(self._read[2])), default=_NEVER)

    def correct_times(self, reason: str) -> None:
        """Say that this clock is right: later times in the trail are wrong, and approvals of later are taken away.

        Raises:
            Conflict: an approval was put on record at the same moment.
        """
        shared, there, _ = self._read
        now = self._clock.now()
        detail: Detail = {CORRECTED: self.latest_entry.isoformat(timespec="seconds")}
        self._write(shared, without_later(there, now), reason, at=now, detail=detail, op=Op.EDIT)

    def pin(self, rule: str, *, reason: str) -> None:
        """Put the rule on record that binds every runner, or end it (empty), with its event; Conflict as `add`."""
        shared, there, _ = self._read
        detail: Detail = {"rule": "pinned" if rule else "ended"}
        self._write(shared, with_rule(there, rule), reason, at=self._clock.now(), detail=detail)

    def _write(
        self, shared: Shared | None, data: bytes, reason: str, *, at: datetime, detail: Detail, op: Op = Op.APPROVE
    ) -> None:
        told: Detail = {**share_detail(Item.APPROVALS, data), **detail, **({"reason": reason} if reason else {})}
        event = Event(at=at, op=op, actor=identity_of(self._store), detail=told)
        shared_items_of(self._store).write(Item.APPROVALS, data, shared.revision if shared else "", [event])

    @cached_property
    def _read(self) -> tuple[Shared | None, KeptApprovals, Sequence[ChainedEvent]]:
        found = verified_trail(self._store, Item.APPROVALS)
        if found is None:
            return None, KeptApprovals(), ()
        shared, entries = found
        return shared, read_approvals(shared, entries), entries
