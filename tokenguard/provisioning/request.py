"""Requests for a second person's approval, and the reviews that break-glass leaves open. Pure.

They are kept where requesters may write. Nothing in them is relied on: an approver sees the operations themselves, and
an approval covers their digests, which the operation computes again from the record when it runs.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from tokenguard.domain.event import ChainedEvent, Detail, Op
from tokenguard.domain.names import TokenName
from tokenguard.domain.second_person import OpenReview, SensitiveKind, SensitiveOperation, same_person
from tokenguard.errors import Tampered, newer_hint
from tokenguard.frozen import Frozen
from tokenguard.ports.shared_item import Shared, holds_what_was_shared
from tokenguard.provisioning.approval import ApprovedPart

FORMAT = 1
_EXPIRES = timedelta(days=7)
"""How long a request waits for its approval."""


class ApprovalRequest(Frozen, frozen=True, kw_only=True):
    """Operations that one identity wants to run, or has run with `--break-glass`."""

    store: str
    """The id of the store."""
    by: str
    """Who asks, as the store says; only this identity can use the approval."""
    at: datetime
    operations: tuple[SensitiveOperation, ...]
    forced: str = ""
    """The reason of `--break-glass`; empty: nothing was done yet."""

    @property
    def digest(self) -> str:
        """What an approver names. That of a request does not depend on when it was made; that of a review does."""
        when = self.at.isoformat() if self.forced else ""
        body = msgspec.json.encode((1, self.store, self.by, sorted(self.operation_digests), when, self.forced))
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    @property
    def ends(self) -> datetime:
        """From this moment on it is not approved any more; a review has no end."""
        return self.at + _EXPIRES

    @property
    def named(self) -> str:
        """Its operations in a few words."""
        first, others = self.operations[0], len(self.operations) - 1
        return first.title + (f" and {others:,} more" if others else "")

    @property
    def covers(self) -> tuple[ApprovedPart, ...]:
        """What an approval of it covers. A review covers nothing that could be done again."""
        if self.forced:
            return ()
        return tuple(
            ApprovedPart(name=each.name, digest=digest, news=(each.words,))
            for each, digest in zip(self.operations, self.operation_digests, strict=True)
        )

    @property
    def operation_digests(self) -> tuple[str, ...]:
        """What an approval of each operation would cover."""
        return tuple(each.digest(self.store, self.by) for each in self.operations)


class _KeptRequests(Frozen, frozen=True, kw_only=True):
    format: int = FORMAT
    requests: tuple[ApprovalRequest, ...] = ()


def with_request(requests: Iterable[ApprovalRequest], new: ApprovalRequest, over: Iterable[str]) -> bytes:
    """The list with one more, as it is kept.

    Requests for what was run with `--break-glass`, and those that are over, are left to the audit trail.
    """
    gone, done = {*over, new.digest}, set(new.operation_digests) if new.forced else set[str]()
    kept = [
        each
        for each in requests
        if each.digest not in gone and (each.forced or not done.issuperset(each.operation_digests))
    ]  # fmt: skip
    return msgspec.json.encode(_KeptRequests(requests=(*kept, new)), order="deterministic")


def read_requests(shared: Shared, entries: Sequence[ChainedEvent]) -> tuple[ApprovalRequest, ...]:
    """The list, held against its events.

    Raises:
        Tampered: it is not what was written.
    """
    hint = "run `tokenguard audit verify`, and find out who wrote it"
    try:
        kept = msgspec.json.decode(shared.data, type=_KeptRequests)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Tampered("the requests for approval do not parse", hint=hint) from None
    if kept.format > FORMAT:
        text = f"the requests for approval have format {kept.format}, this version reads {FORMAT}"
        raise Tampered(text, hint=newer_hint(kept.format, FORMAT))
    told = {(each.event.detail.get("digest_of_request"), each.event.actor.id, each.event.at) for each in entries}
    whole = kept.format == FORMAT and bool(entries) and holds_what_was_shared(shared, entries)
    if not whole or any((each.digest, each.by, each.at) not in told for each in kept.requests):
        raise Tampered("a request for approval has no audit event of its requester", hint=hint)
    return kept.requests


def _operation_words(detail: Detail) -> str:
    """What was done; an event of an earlier version has only the kind."""
    kind = str(detail.get("operation", ""))
    known = SensitiveKind(kind).words if kind in set(SensitiveKind) else kind
    return str(detail.get("title", "")) or known


def open_reviews(requested: Sequence[ChainedEvent], approved: Sequence[ChainedEvent]) -> tuple[OpenReview, ...]:
    """What was forced and not reviewed by another person, from the audit trails of requests and of approvals."""
    reviewers: dict[str, list[str]] = {}
    for each in approved:
        if each.event.op is Op.APPROVE:
            reviewers.setdefault(str(each.event.detail.get("plan", "")), []).append(each.event.actor.id)
    forced = [each.event for each in requested if each.event.op is Op.BREAK_GLASS]
    return tuple(
        OpenReview(
            digest=digest, name=event.name or TokenName(""), operation=_operation_words(event.detail),
            by=event.actor.id, at=event.at, reason=str(event.detail.get("reason", "")),
        )
        for event in forced
        for digest in [str(event.detail.get("digest_of_request", ""))]
        if all(same_person(event.actor.id, reviewer) for reviewer in reviewers.get(digest, ()))
    )  # fmt: skip
