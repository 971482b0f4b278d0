"""A second person for sensitive operations: files requests, looks up approvals, and opens reviews for break-glass."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, NoReturn

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import ChainedEvent, Detail, Event, Op
from tokenguard.domain.journal import Mode
from tokenguard.domain.second_person import (
    LOOSENED,
    SELECTED_BY,
    ExpiredRequest,
    OpenReview,
    SensitiveKind,
    SensitiveOperation,
)
from tokenguard.domain.token import Record
from tokenguard.errors import Conflict, InputError, NotApproved, Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory.admission import checked_text
from tokenguard.policy.loader import load_policy
from tokenguard.policy.model import Policy
from tokenguard.policy.writing import as_document
from tokenguard.ports.clock import Clock, is_behind
from tokenguard.ports.shared_item import Item, Shared, share_detail, shared_items_of
from tokenguard.ports.store import Store, identity_of
from tokenguard.provisioning.approval import Approval, approved_detail
from tokenguard.provisioning.request import ApprovalRequest, open_reviews, read_requests, with_request
from tokenguard.text import pluralize
from tokenguard.usecases.approvals import StoreApprovals, verified_trail
from tokenguard.usecases.outdated_requests import FINGERPRINT, known_facts
from tokenguard.usecases.request_states import RequestStates

RULE = "second-person"
_TRIES = 5
_OF_MODE = {
    Mode.COMPROMISED: SensitiveKind.COMPROMISED,
    Mode.IN_PLACE: SensitiveKind.COMPROMISED,  # its consumers fail as well
    Mode.RETIRE: SensitiveKind.RETIRE,
}


class RequestFiled(Exception):
    """What was requested needs an approval, and the request is on record; nothing was done."""

    def __init__(self, request: ApprovalRequest) -> None:
        super().__init__()
        self.request = request


class ReadOnlyStore:
    """A store on which `tokenguard request` runs a command: its first write ends it."""

    def __init__(self, underlying: Store) -> None:
        self._underlying = underlying

    def __getattr__(self, name: str) -> Any:
        return getattr(self._underlying, name)

    def _refuse(self, *_arguments: object, **_more: object) -> NoReturn:
        raise not_sensitive()

    commit = put_candidate = publish = withdraw = destroy = put_move = take_fingerprint_key = _refuse


def not_sensitive() -> InputError:
    """The error of a request for what the policy asks no second person for."""
    return InputError(
        "nothing in this command needs a second person", hint="run it without `tokenguard request --`"
    )  # fmt: skip


def operation_on(snapshot: Snapshot, kind: SensitiveKind, *facts: tuple[str, str]) -> SensitiveOperation:
    """A sensitive operation on a token, with what a second person judges it by."""
    record = snapshot.document.record
    return SensitiveOperation(kind=kind, token=snapshot.id, name=record.name, facts=(*facts, *known_facts(record)))


def new_places(before: Record, after: Record) -> list[str]:
    """Where a value goes after a change of its record and did not go before; where `import` found it, it was."""
    known = before.consumers or ()
    found = [
        each.shown for each in after.consumers or () if each not in known and str(each) != (before.imported_from or "-")
    ]
    if after.installation != before.installation and before.provider:
        found.append(f"{after.provider} {after.base_url}".strip())
    if after.location != before.location and after.location.url:
        found.append(after.location.shown)
    return found + [f"after a delivery {each}" for each in after.after if each not in before.after]


def new_permissions(before: Record, after: Record) -> list[str]:
    """What a token may do after a change of its record and may not have done before; `none` may stand for all."""
    if after.permissions == before.permissions:
        return []
    return sorted(set(after.permissions) - set(before.permissions)) if after.permissions else ["none"]


class SecondPerson:
    """The approvals of sensitive operations in one process.

    Args:
        store: the store in use.
        clock: the clock.
        policy: the policy in force.
        break_glass: the reason of `--break-glass`; empty without it.
    """

    def __init__(
        self, store: Store, clock: Clock, policy: Callable[[], Policy], break_glass: Callable[[], str] = str
    ) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._break_glass = break_glass
        self.requesting = False
        """Whether the command is only to be requested: nothing may be done."""
        self._forced: dict[str, str] = {}

    def asks(self, kind: SensitiveKind, record: Record | None = None) -> bool:
        """Whether this runner's policy or the rule pinned in the store asks for a second person."""
        return _names(self._policy(), kind, record) or _names(self._pinned, kind, record)

    @cached_property
    def _approvals(self) -> StoreApprovals:
        """Read once: a command does not wait for an approval that comes while it runs."""
        return StoreApprovals(self._store, self._clock)

    @cached_property
    def _pinned(self) -> Policy:
        try:
            rule = self._approvals.rule
        except Unreachable:  # a login of an older role goes on; where the policy asks, the approvals are read again
            rule = ""
        return load_policy(rule.encode(), source="pinned rule") if rule else Policy(name="")

    def of_rotation(self, snapshot: Snapshot, mode: Mode) -> Detail:
        """What the event that opens a rotation or retirement says of its approval; raises as `authorise` does."""
        return self.authorise(self.rotations([(snapshot, mode)]))

    def of_change(self, snapshot: Snapshot | None, after: Record) -> Detail:
        """What the event that gives a new or declared token its value says of its approval; raises as `authorise` does.

        Args:
            snapshot: the declaration; None for a token without a record.
            after: the record to be.
        """
        changes = self.changes(snapshot, after)
        return self.authorise(changes) if changes else {}

    def rotations(self, wanted: Iterable[tuple[Snapshot, Mode]]) -> list[SensitiveOperation]:
        """The sensitive ones among rotations and retirements."""
        return [
            operation_on(snapshot, kind, (FINGERPRINT, snapshot.document.record.fingerprint or ""))
            for snapshot, mode in wanted
            if (kind := _OF_MODE.get(mode)) is not None and self.asks(kind, snapshot.document.record)
        ]

    def changes(self, snapshot: Snapshot | None, after: Record) -> list[SensitiveOperation]:
        """The sensitive ones among the changes of a record: its owner, destinations, permissions and protection.

        Of a token without a record (None): where its value is to go.
        """
        if snapshot is None:
            return self._additions(after)
        before = snapshot.document.record
        found = list[SensitiveOperation]()
        if before.owner and after.owner != before.owner and self.asks(SensitiveKind.OWNER, before):
            found.append(operation_on(snapshot, SensitiveKind.OWNER, ("new owner", after.owner or "none")))
        if (places := new_places(before, after)) and self.asks(SensitiveKind.DESTINATION, before):
            found.append(
                operation_on(snapshot, SensitiveKind.DESTINATION, *(("new destination", each) for each in places))
            )
        wider = new_permissions(before, after)  # also of a record that named none: its next value gets what it names
        if wider and self.asks(SensitiveKind.PERMISSIONS, before):
            found.append(self._wider(snapshot, wider))
        if lost := self._lost(before, after):
            changed = [each for each in SELECTED_BY if getattr(before, each) != getattr(after, each)]
            facts = [(f"new {each}", getattr(after, each)) for each in changed]
            found.append(operation_on(snapshot, lost[0], (LOOSENED, ", ".join(lost)), *facts))
        return found

    def of_update(self, snapshot: Snapshot, wider: Sequence[str]) -> list[SensitiveOperation]:
        """A token that is to be given permissions at the provider, if the policy asks for a second person."""
        asked = wider and self.asks(SensitiveKind.PERMISSIONS, snapshot.document.record)
        return [self._wider(snapshot, wider)] if asked else []

    @staticmethod
    def _wider(snapshot: Snapshot, wider: Sequence[str]) -> SensitiveOperation:
        return operation_on(snapshot, SensitiveKind.PERMISSIONS, *(("new permission", each) for each in wider))

    def _additions(self, record: Record) -> list[SensitiveOperation]:
        places = new_places(replace(record, consumers=None, after=()), record)
        if not places or not self.asks(SensitiveKind.DESTINATION, record):
            return []
        facts = (*(("new destination", each) for each in places), *known_facts(record))
        return [SensitiveOperation(kind=SensitiveKind.DESTINATION, name=record.name, facts=facts)]

    def _lost(self, before: Record, after: Record) -> list[SensitiveKind]:
        """For what no second person would be asked any more after a change."""
        if all(getattr(before, each) == getattr(after, each) for each in SELECTED_BY):
            return []
        return [kind for kind in SensitiveKind if self.asks(kind, before) and not self.asks(kind, after)]

    def of_whole_store(self, kind: SensitiveKind, *facts: tuple[str, str]) -> list[SensitiveOperation]:
        """An operation on the whole store, if the policy asks for a second person."""
        return [SensitiveOperation(kind=kind, facts=facts)] if self.asks(kind) else []

    def on_token(self, snapshot: Snapshot, kind: SensitiveKind, *facts: tuple[str, str]) -> list[SensitiveOperation]:
        """An operation on a token, if the policy asks for a second person."""
        return [operation_on(snapshot, kind, *facts)] if self.asks(kind, snapshot.document.record) else []

    def authorise(self, operations: Sequence[SensitiveOperation]) -> Detail:
        """What the events of sensitive operations say of their approvals; empty where there are none.

        Raises:
            NotApproved: another person has not approved one of them; it was requested.
            RequestFiled: they were only to be requested.
            InputError: they were only to be requested, and there are none.
        """
        if not operations:
            if self.requesting:
                raise not_sensitive()
            return {}
        by = identity_of(self._store).id
        if reason := self._break_glass():
            checked_text(self._store, reason, what="reason")
            return self._force(operations, by, reason)
        found, missing = self._judged(operations, by)
        if self.requesting:
            raise RequestFiled(self._filed(operations, by, again=bool(missing)))
        if missing:
            raise _not_approved(missing, self._filed([operation for operation, _ in missing], by, again=True))
        return approved_detail(found)

    def prepare(self, operations: Sequence[SensitiveOperation]) -> None:
        """Put all operations of a command that begins one after another into one request, or one review.

        Raises:
            InputError, Unreachable: as `authorise`.
            RequestFiled: they were only to be requested.
        """
        if self.requesting:
            self.authorise(operations)  # it always raises: one after another they would have effects
        if not operations:
            return
        by = identity_of(self._store).id
        if reason := self._break_glass():
            self._force(operations, by, checked_text(self._store, reason, what="reason"))
        elif missing := [each for each, _ in self._judged(operations, by)[1]]:
            self._filed(missing, by, again=True)

    def lacking(self, operations: Sequence[SensitiveOperation]) -> list[str]:
        """What a plan says of operations that would wait now; nothing is requested."""
        _, missing = self._judged(operations, identity_of(self._store).id) if operations else ([], [])
        return [f"{each.name}: {each.title} needs a second person, and {why}" for each, why in missing]

    def _judged(
        self, operations: Sequence[SensitiveOperation], by: str
    ) -> tuple[list[Approval], list[tuple[SensitiveOperation, str]]]:
        """The approvals that cover operations, and those that none covers with the reason."""
        found, missing = list[Approval](), list[tuple[SensitiveOperation, str]]()
        approvals = self._approvals
        for operation in operations:
            verdict = approvals.of_operation(operation, by)
            if verdict.approval is None:
                missing.append((operation, verdict.why))
            else:
                found.append(verdict.approval)
        return found, missing

    def request_of(self, digest: str) -> ApprovalRequest | None:
        """The request or review with that digest, or None."""
        return next((each for each in self.requests() if each.digest == digest), None)

    def requests(self) -> tuple[ApprovalRequest, ...]:
        """What is on the list of requests; Tampered if it is not what was written."""
        return self._read()[1]

    def waiting(self) -> list[ApprovalRequest]:
        """Requests that no other person has approved since they were made, and reviews that are open.

        A request that expired or no longer fits its tokens is left out: its command files another one.
        """
        states = self._states()
        return [each for each in self.requests() if states.waits(each)]

    def expired(self) -> list[ExpiredRequest]:
        """Requests that were not approved in time, and those whose approval was not used in time, for some days."""
        states = self._states()
        return [found for each in self.requests() if (found := states.expired(each)) is not None]

    def _states(self) -> RequestStates:
        return RequestStates(self._approvals, self._store, self._clock.now())

    def reviews(self) -> tuple[OpenReview, ...]:
        """What was forced and not reviewed by another person."""
        forced = self._read()[2]
        return open_reviews(forced, self._approved()) if forced else ()

    def _force(self, operations: Sequence[SensitiveOperation], by: str, reason: str) -> Detail:
        if self.requesting:
            raise InputError(
                "--break-glass needs no request for an approval", hint="run the command without `tokenguard request --`"
            )
        known = {each.digest(self._store.store_id, by): each for each in operations}
        left = [each for digest, each in known.items() if digest not in self._forced]
        if left:
            request = self._request(left, by, forced=reason)
            self._write(request, Op.BREAK_GLASS)
            self._forced |= {each.digest(self._store.store_id, by): request.digest for each in left}
        return {"break_glass": " ".join(dict.fromkeys(self._forced[digest] for digest in known))}

    def _filed(self, operations: Sequence[SensitiveOperation], by: str, *, again: bool) -> ApprovalRequest:
        """The request, put on record unless it waits there, or is a part of one that does.

        `again`: also if an approval of it was used or ended.
        """
        request = self._request(operations, by)
        wanted, there = set(request.operation_digests), self.request_of(request.digest)
        if there is not None and not again:
            return there
        for each in self.waiting():
            ahead = is_behind(request.at, each.at)  # it cannot be approved
            if not (each.forced or ahead) and each.by == by and wanted.issubset(each.operation_digests):
                return each
        self._write(request, Op.REQUEST)
        return request

    def _request(self, operations: Sequence[SensitiveOperation], by: str, forced: str = "") -> ApprovalRequest:
        now = self._clock.now()
        return ApprovalRequest(store=self._store.store_id, by=by, at=now, operations=tuple(operations), forced=forced)

    def _write(self, request: ApprovalRequest, op: Op) -> None:
        actor = identity_of(self._store)
        for attempt in range(1, _TRIES + 1):
            shared, there, _ = self._read()
            open_, states = {each.digest for each in self.reviews()}, self._states()
            over = [
                each.digest for each in there if (each.digest not in open_ if each.forced else states.is_over(each))
            ]
            data = with_request(there, request, over)
            events = [
                Event(at=request.at, op=op, actor=actor, name=each.name or None, detail={
                    **share_detail(Item.REQUESTS, data), "digest_of_request": request.digest,
                    "operation": str(each.kind), "title": each.title,
                    **({"reason": request.forced} if request.forced else {}),
                })
                for each in request.operations
            ]  # fmt: skip
            try:
                shared_items_of(self._store).write(Item.REQUESTS, data, shared.revision if shared else "", events)
            except Conflict:
                if attempt == _TRIES:
                    raise
            else:
                return

    def _read(self) -> tuple[Shared | None, tuple[ApprovalRequest, ...], Sequence[ChainedEvent]]:
        found = verified_trail(self._store, Item.REQUESTS)
        if found is None:
            return None, (), ()
        shared, entries = found
        return shared, read_requests(shared, entries), entries

    def _approved(self) -> Sequence[ChainedEvent]:
        return self._approvals.entries


def approve_request_command(request: ApprovalRequest | OpenReview) -> str:
    """The command of the second person."""
    return f"tokenguard approve {request.digest}"


def _names(policy: Policy, kind: SensitiveKind, record: Record | None) -> bool:
    """Whether the rule names the operation."""
    rule = policy.rule(RULE, record)
    return rule is not None and kind in rule.words("operations")


def pinned_rule(policy: Policy) -> str:
    """The rule `second-person` of a policy with its overrides, as a policy file without anything else."""
    rules = tuple(each for each in policy.rules if each.id == RULE)
    overrides = tuple(each for each in policy.overrides if each.rule == RULE)
    return json.dumps(as_document(Policy(name="pinned", rules=rules, overrides=overrides)), ensure_ascii=False)


def _not_approved(missing: Sequence[tuple[SensitiveOperation, str]], request: ApprovalRequest) -> NotApproved:
    (first, why), others = missing[0], len({each.name for each, _ in missing}) - 1
    more = f" (and {pluralize(others, 'more token')})" if others else ""
    return NotApproved(
        f"{first.title} needs a second person for {first.name or 'this store'}, and {why}{more}",
        hint=f"another person runs: {approve_request_command(request)}",
    )
