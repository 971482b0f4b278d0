"""Approvals of plans for unattended apply, and of sensitive operations: approver, covered items, expiry. Pure.

They are kept where only approvers may write (docs/adr/0022-approvals.md). An approval covers each new thing of a plan
once: as soon as it was begun under it, the same thing needs another one.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from tokenguard.domain.clock_correction import since_correction, with_known_times
from tokenguard.domain.event import ChainedEvent, Detail, Op
from tokenguard.domain.names import TokenName
from tokenguard.domain.second_person import SensitiveOperation, same_person
from tokenguard.errors import Tampered, newer_hint
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import CLOCK_SLACK, is_behind
from tokenguard.ports.shared_item import Shared, holds_what_was_shared
from tokenguard.provisioning.plan_model import Action, Plan
from tokenguard.provisioning.review import was_used

FORMAT = 2
"""Of approvals with a pinned rule; those without one have format 1, which earlier versions read too."""
USUAL = timedelta(days=7)
LONGEST = timedelta(days=90)
_KEPT = timedelta(days=90)
"""How long one that has ended is kept in the list; the audit trail keeps it for ever."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class ApprovedPart(Frozen, frozen=True, kw_only=True):
    """One token's part of an approval, or with an empty name the whole store's."""

    name: TokenName
    digest: str
    """`Action.approved_as`, or that of a `SensitiveOperation`."""
    news: tuple[str, ...]
    """What was new when it was approved, for people."""


class Approval(Frozen, frozen=True, kw_only=True):
    """One approval of one plan."""

    plan: str
    """The digest of the plan or request that the approver saw."""
    store: str
    """The id of the store that it is for."""
    covers: tuple[ApprovedPart, ...]
    by: str
    """Who approved, as the store says."""
    at: datetime
    until: datetime
    """From this moment on it covers nothing."""
    reason: str = ""


class KeptApprovals(Frozen, frozen=True, kw_only=True):
    """All that is kept where only approvers may write."""

    format: int = 1
    approvals: tuple[Approval, ...] = ()
    rule: str = ""
    """The rule `second-person` that binds every runner, as a policy file; empty: none is pinned."""


class ApprovalVerdict(Frozen, frozen=True, kw_only=True):
    """What the approvals say of one action."""

    approval: Approval | None = None
    """The one that covers it."""
    why: str = ""
    """Why none does."""
    unused: bool = False
    """The last one that covers it has ended and was not used."""


def approval_of(plan: Plan, *, by: str, at: datetime, until: datetime, reason: str) -> Approval:
    """Approve everything of a plan that needs it."""
    covers = tuple(ApprovedPart(name=each.name, digest=each.approved_as, news=each.news) for each in plan.news)
    return Approval(plan=plan.digest, store=plan.store, covers=covers, by=by, at=at, until=until, reason=reason)


def with_another(kept: KeptApprovals, new: Approval) -> bytes:
    """The list with one more, as it is kept; what ended long ago is left to the audit trail."""
    approvals = [each for each in kept.approvals if each.until > new.at - _KEPT and each.plan != new.plan]
    return _encoded((*approvals, new), kept.rule)


def with_rule(kept: KeptApprovals, rule: str) -> bytes:
    """The same approvals with another pinned rule, or with none."""
    return _encoded(kept.approvals, rule)


def without_later(kept: KeptApprovals, now: datetime) -> bytes:
    """The approvals without those that a clock that was ahead has dated: they would be valid in the years to come."""
    return _encoded(tuple(each for each in kept.approvals if not is_behind(now, each.at)), kept.rule)


def _encoded(approvals: tuple[Approval, ...], rule: str) -> bytes:
    kept = KeptApprovals(format=FORMAT if rule else 1, approvals=approvals, rule=rule)
    return msgspec.json.encode(kept, order="deterministic")


def read_approvals(shared: Shared, entries: Sequence[ChainedEvent]) -> KeptApprovals:
    """The list, each approval held against its event.

    Raises:
        Tampered: it is not what was written, or holds an approval that no event of its author tells of.
    """
    try:
        kept = msgspec.json.decode(shared.data, type=KeptApprovals)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _damaged("the approvals do not parse") from None
    if not 1 <= kept.format <= FORMAT:
        text = f"the approvals have format {kept.format}, this version reads {FORMAT}"
        raise Tampered(text, hint=newer_hint(kept.format, FORMAT)) if kept.format > FORMAT else _damaged(text)
    told = {
        (each.event.detail.get("plan"), each.event.actor.id, each.event.at)
        for each in entries
        if each.event.op is Op.APPROVE
    }
    whole = bool(entries) and holds_what_was_shared(shared, entries)
    if not whole or any((each.plan, each.by, each.at) not in told for each in kept.approvals):
        raise _damaged("an approval has no audit event of its approver")
    return kept


def judge(
    approvals: Iterable[Approval], action: Action, *, store: str, now: datetime, history: Sequence[ChainedEvent]
) -> ApprovalVerdict:
    """Whether an action of a plan is approved.

    Args:
        approvals: those of the store.
        action: it has something new.
        store: the store's id.
        now: the moment.
        history: the audit trail of its token; empty if there is none yet.
    """
    return _judged(
        approvals, action.name, action.approved_as, store=store, now=now, other="a different plan was approved",
        history=history,
        used=lambda each: was_used(each.plan, (entry for entry, at in with_known_times(history) if at >= each.at)),
    )  # fmt: skip


def judge_operation(
    approvals: Iterable[Approval],
    operation: SensitiveOperation,
    *,
    store: str,
    by: str,
    now: datetime,
    history: Sequence[ChainedEvent],
) -> ApprovalVerdict:
    """Whether another person approved a sensitive operation of this identity, and it was not run since.

    Args:
        approvals: those of the store.
        operation: the operation.
        store: the store's id.
        by: the identity that runs it.
        now: the moment.
        history: the audit trail of its token, or of the store.
    """
    wanted = operation.digest(store, by)
    theirs = [each for each in approvals if not same_person(each.by, by)]
    verdict = _judged(
        theirs,
        operation.name,
        wanted,
        store=store,
        now=now,
        other=f"the approval was for a different {operation.title} or requester, or the record has changed since",
        alike=lambda covered: any(words.split(" ")[0] == operation.kind for words in covered.news),
        history=history,
        used=lambda each: any(_marks(each) in _marked(entry.event.detail) for entry in history),
    )
    if verdict.approval is None and any(
        _covers(each, operation.name, wanted) for each in approvals if each not in theirs
    ):
        return ApprovalVerdict(why="it was approved by the identity that requested it")
    return verdict


def approved_detail(approvals: Iterable[Approval]) -> Detail:
    """What the event of an operation says of the approvals that it was begun under; they are used by that."""
    return {"approved": " ".join(dict.fromkeys(map(_marks, approvals)))}


def _marks(approval: Approval) -> str:
    """One approval among those with the same digest."""
    return f"{approval.plan}@{approval.at.isoformat()}"


def _marked(detail: Detail) -> Sequence[str]:
    return str(detail.get("approved", "")).split()


def _judged(
    approvals: Iterable[Approval],
    name: TokenName,
    digest: str,
    *,
    store: str,
    now: datetime,
    other: str,
    alike: Callable[[ApprovedPart], bool] = lambda _covered: True,
    history: Sequence[ChainedEvent],
    used: Callable[[Approval], bool],
) -> ApprovalVerdict:
    known = list(approvals)
    found = [each for each in known if _covers(each, name, digest)]
    named = any(covered.name == name and alike(covered) for each in known for covered in each.covers)
    why = other if named else "it is not approved"
    if found and any(entry.event.at > now + CLOCK_SLACK for entry in since_correction(history)):
        return ApprovalVerdict(why="this machine's clock is behind its audit trail")
    found.sort(key=lambda approval: approval.at, reverse=True)
    unused = bool(found) and found[0].until <= now and not used(found[0])
    for each in found:
        if each.store != store:
            why = "it was approved for another store"
        elif (
            each.at > now + CLOCK_SLACK
            or not _DIGEST.fullmatch(each.plan)
            or each.until - each.at > LONGEST + CLOCK_SLACK
        ):
            why = "its approval is not valid"
        elif each.until <= now:
            why = f"its approval by {each.by} ended on {each.until:%Y-%m-%d}"
        elif used(each):
            why = f"its approval by {each.by} of {each.at:%Y-%m-%d} was used"
        else:
            return ApprovalVerdict(approval=each)
    return ApprovalVerdict(why=why, unused=unused)


def _covers(approval: Approval, name: TokenName, digest: str) -> bool:
    return any((covered.name, covered.digest) == (name, digest) for covered in approval.covers)


def _damaged(message: str) -> Tampered:
    return Tampered(message, hint="run `tokenguard audit verify`, and find out who wrote it")
