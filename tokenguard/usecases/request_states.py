"""What has become of a request for a second person: it waits, was approved, has expired, or does not fit any more."""

from datetime import datetime, timedelta

from tokenguard.domain.clock_correction import with_known_times
from tokenguard.domain.event import Op
from tokenguard.domain.second_person import ExpiredRequest, same_person
from tokenguard.ports.store import Store
from tokenguard.provisioning.request import ApprovalRequest
from tokenguard.usecases.approvals import StoreApprovals
from tokenguard.usecases.outdated_requests import why_outdated

_TOLD_FOR = timedelta(days=7)
"""How long it is said that a request expired; then only the audit trail has it."""


class RequestStates:
    """The requests of one store at one moment.

    Args:
        approvals: the approvals of the store.
        store: the store.
        now: the moment.
    """

    def __init__(self, approvals: StoreApprovals, store: Store, now: datetime) -> None:
        self._approvals = approvals
        self._store = store
        self._now = now

    def waits(self, request: ApprovalRequest) -> bool:
        """Whether another person can still approve it, or close the review."""
        open_ = bool(request.forced) or self._now < request.ends
        return open_ and not self._is_approved(request) and not why_outdated(request, self._store)

    def expired(self, request: ApprovalRequest) -> ExpiredRequest | None:
        """A request that was not approved in time, or whose approval was not used in time; None for any other."""
        ended = self._ends(request)
        if request.forced or not ended <= self._now < ended + _TOLD_FOR or why_outdated(request, self._store):
            return None
        approved = self._is_approved(request)
        if approved and not any(self._approvals.of_operation(each, request.by).unused for each in request.operations):
            return None
        return ExpiredRequest(
            digest=request.digest, name=request.operations[0].name, operation=request.named, by=request.by,
            at=request.at, ended=ended, approved=approved,
        )  # fmt: skip

    def is_over(self, request: ApprovalRequest) -> bool:
        """Whether the time has passed in which a request is reported as expired; a review stays."""
        return not request.forced and self._ends(request) + _TOLD_FOR <= self._now

    def _is_approved(self, request: ApprovalRequest) -> bool:
        """Whether another person approved it since it was made, or closed the review."""
        return any(
            each.event.op is Op.APPROVE
            and each.event.detail.get("plan") == request.digest
            and not same_person(each.event.actor.id, request.by)
            and (request.forced or at >= request.at)
            for each, at in with_known_times(self._approvals.entries)
        )

    def _ends(self, request: ApprovalRequest) -> datetime:
        """When it expires: with its approval, if it has one."""
        given = [each for each in self._approvals.given if each.plan == request.digest and each.at >= request.at]
        return max((each.until for each in given if not same_person(each.by, request.by)), default=request.ends)
