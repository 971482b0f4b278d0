"""Derives notifications from the state of a store: each condition that holds now has to be told.

Nothing is announced by the code that changes a token. A runner that is killed after a change leaves the changed state,
and the next `notify` finds it there (ADR 0031).
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Actor
from tokenguard.domain.journal import Journal
from tokenguard.domain.leak_trail import LeakReports
from tokenguard.domain.names import TokenId
from tokenguard.domain.people import Directory
from tokenguard.domain.second_person import RENEW, ExpiredRequest
from tokenguard.domain.token import Record, RecordState
from tokenguard.frozen import Frozen, field
from tokenguard.notifications.notification import Notification, NotificationKind, notification_id
from tokenguard.notifications.outbox import LastUpkeep
from tokenguard.notifications.reminders import REMIND_AFTER, current_reminder
from tokenguard.policy.model import Policy, due_of
from tokenguard.provisioning.request import ApprovalRequest
from tokenguard.rotation.machine import revocation_owed
from tokenguard.text import pluralize, safe_text

UPKEEP_WITHIN = timedelta(hours=26)
"""How long upkeep may be silent: a day, and two hours for a late start."""
_INTERRUPTED = timedelta(minutes=30)
"""An open operation without a step for so long is not running any more."""
_SOON = timedelta(days=7)
"""For what has no warning period of its own."""
LOGIN_ENDS_SOON = _SOON
"""How long before its end a login is told of."""
_LONGEST = 300
"""Characters of one line."""


class StoreFacts(Frozen, frozen=True, kw_only=True):
    """What conditions depend on beside the documents."""

    store_id: str
    store_url: str
    policy: Policy
    now: datetime
    upkeep: LastUpkeep | None = None
    upkeep_within: timedelta = UPKEEP_WITHIN
    requests: tuple[ApprovalRequest, ...] = ()
    """What awaits the approval or the review of a second person."""
    expired: tuple[ExpiredRequest, ...] = ()
    """Requests that were not approved, or whose approval was not used, in time."""
    remind_after: timedelta | None = REMIND_AFTER
    """From the first message to the first reminder; None: no reminders."""
    people: Directory = field(default_factory=Directory)
    """Who is meant by an identity at the store."""
    leak_reports: Mapping[TokenId, LeakReports] = field(default_factory=dict)
    """By token with an open leak: what its trail says of it."""
    login_ends: datetime | None = None
    """When the runner's access to the store expires; None: not known, or never."""
    login: Actor | None = None
    """Whose access that is, and on which machine."""


def conditions(snapshots: Iterable[Snapshot], facts: StoreFacts) -> list[Notification]:
    """All notifications that the state calls for now; the same state gives the same ids."""
    derive, owners = _Derivation(facts), dict[str, str]()
    found: list[Notification] = []
    for snapshot in snapshots:
        owners[snapshot.document.record.name] = snapshot.document.record.owner
        found += derive.of_token(snapshot.id, snapshot.document)
    stated = {(each.kind, each.name) for each in found}
    found += [each for each in derive.of_upkeep(owners) if (each.kind, each.name) not in stated]
    return [*found, *derive.of_requests(owners), *derive.of_store()]


def login_ends_text(ends: datetime, login: Actor) -> str:
    """One line about a login that a person has to replace: whose it is, and on which machine."""
    return (
        f"the login of {login.id} on {login.host} ends on {ends:%Y-%m-%d at %H:%M} UTC; then this runner has no access "
        "to the store: give it a new login before"
    )


class _Derivation:
    def __init__(self, facts: StoreFacts) -> None:
        self._facts = facts
        self._now = facts.now

    def of_token(self, token: TokenId, document: Document) -> Iterator[Notification]:
        """What one document calls for."""
        record = document.record
        yield from self._leaks(token, record)
        yield from self._operation(token, document)
        if record.state is not RecordState.RETIRED:
            if not document.busy:
                yield from self._due(token, record)
            yield from self._leak_waiver(token, record)

    def of_upkeep(self, owners: dict[str, str]) -> Iterator[Notification]:
        """What the last run of upkeep found, or that none ran."""
        last = self._facts.upkeep
        if last is None:
            return
        if self._now - last.at > self._facts.upkeep_within:
            says = f"upkeep last ended on {last.at:%Y-%m-%d at %H:%M} UTC; due tokens are not rotated"
            yield self._made(
                NotificationKind.UPKEEP_MISSED, says, "upkeep", facts=(last.at.isoformat(),), began=last.at
            )  # fmt: skip
        for each in last.findings:
            owner = each.owner or owners.get(each.name, "")
            facts = (each.duty, each.name or each.owner, each.since.isoformat())
            command = each.command.split() or ["show", each.name]
            yield self._made(
                each.kind, each.says, *command, name=each.name, owner=owner, facts=facts, began=each.since
            )  # fmt: skip

    def of_requests(self, owners: dict[str, str]) -> Iterator[Notification]:
        """What a second person has to approve or review."""
        for request in self._facts.requests:
            first, what, by = request.operations[0], request.named, self._facts.people.named(request.by)
            if request.forced:
                kind = NotificationKind.BREAK_GLASS
                says = f"{what} by {by} was run with --break-glass ({request.forced}); it is not reviewed"
            else:
                kind = NotificationKind.WAITING
                says = f"{what}, asked for by {by}, waits for a second person"
            command = ("approve", request.digest)
            facts = ("request", request.digest, request.at.isoformat())
            owner = owners.get(first.name, "")
            yield self._made(kind, says, *command, name=first.name, owner=owner, facts=facts, began=request.at)
        for old in self._facts.expired:
            says = f"{old.operation}, asked for by {self._facts.people.named(old.by)}, {old.why}; {RENEW}"
            facts = ("expired", old.digest, old.ended.isoformat())
            owner = owners.get(old.name, "")
            yield self._made(NotificationKind.WAITING, says, "request", name=old.name, owner=owner, facts=facts)

    def of_store(self) -> Iterator[Notification]:
        """What concerns the store as a whole."""
        for waiver in self._facts.policy.waivers:
            if self._now < waiver.until <= self._now + _SOON:
                which = waiver.match.path or waiver.match.token
                says = f"the waiver of {waiver.rule} for {which} ends on {waiver.until:%Y-%m-%d}: {waiver.reason}"
                facts = ("policy", waiver.rule, which, waiver.until.isoformat())
                yield self._made(NotificationKind.WAIVER_ENDS, says, "check", owner=waiver.owner, facts=facts)
        ends, login = self._facts.login_ends, self._facts.login
        if ends is not None and login is not None and ends <= self._now + LOGIN_ENDS_SOON:
            says = login_ends_text(ends, login)
            yield self._made(NotificationKind.LOGIN_ENDS, says, "doctor", facts=(ends.date().isoformat(), login.id))

    def _leaks(self, token: TokenId, record: Record) -> Iterator[Notification]:
        reports = self._facts.leak_reports.get(token, LeakReports())
        for leak in record.leaks:
            live = record.fingerprint is None or leak.fingerprint in {None, record.fingerprint}
            where = f" at {leak.where}" if leak.where else ""
            which = "its live value" if live else "an older value"
            says = f"{which} leaked on {leak.since:%Y-%m-%d}{where}: {leak.reach.meaning}"
            command = ["rotate", record.name, "--compromised"] if live else ["verify", record.name]
            if live and record.state is RecordState.RETIRED:
                command = ["show", record.name]
            ended = reports.times_ended
            facts = (token, leak.fingerprint or "", leak.reach.value, *([str(ended)] if ended else ()))
            began = reports.first or leak.since
            yield self._about(NotificationKind.LEAK, record, says, *command, facts=facts, began=began)

    def _operation(self, token: str, document: Document) -> Iterator[Notification]:
        record, journal = document.record, document.journal
        resume = ("rotate", record.name, "--resume")
        stopped = journal is not None and _stopped(journal, self._now)
        began = journal.opened_at if journal is not None else None
        if document.accepted_again or (stopped and revocation_owed(document)):
            why = "a revoked token was accepted again" if document.accepted_again else "its old token may still work"
            again = [each.provider_id or str(each.label) for each in document.quarantine if each.alive_again]
            says = f"{why}; the revocation continues"
            for which in again or [""]:
                old = (token, journal.id if journal else "", str(document.accepted_again), which)
                yield self._about(NotificationKind.UNPROVEN, record, says, *resume, facts=old, began=began)
        elif document.busy and stopped and journal is not None:
            why = journal.waiting_for or f"the operation was interrupted at stage {journal.stage}"
            facts = (token, journal.id, str(journal.stage))
            yield self._about(NotificationKind.WAITING, record, why, *resume, facts=facts, began=began)

    def _due(self, token: str, record: Record) -> Iterator[Notification]:
        due = due_of(record, self._facts.policy)
        if due is None:
            return
        day, left = due.at.date().isoformat(), due.at - self._now
        if left <= timedelta(0):
            says = f"overdue since {day}"
            command = ("rotate", record.name)
            yield self._about(NotificationKind.OVERDUE, record, says, *command, facts=(token, day), began=due.at)
            return
        passed = [each for each in due.warn or (_SOON,) if left <= each]
        if passed:
            says = f"due in {pluralize(due.days_left(self._now), 'day')}, on {day}"
            facts, began = (token, day, str(min(passed).days)), due.at - min(passed)
            yield self._about(NotificationKind.DUE, record, says, "rotate", record.name, facts=facts, began=began)

    def _leak_waiver(self, token: str, record: Record) -> Iterator[Notification]:
        waiver = record.waived_leak
        if waiver is not None and self._now < waiver.until <= self._now + _SOON:
            day = waiver.until.date().isoformat()
            says = f"the leak waiver of {waiver.owner} ends on {day}: {waiver.reason}"
            command = ("rotate", record.name)
            yield self._about(NotificationKind.WAIVER_ENDS, record, says, *command, facts=(token, day))

    def _about(
        self,
        kind: NotificationKind,
        record: Record,
        says: str,
        *command: str,
        facts: tuple[str, ...],
        began: datetime | None = None,
    ) -> Notification:
        return self._made(kind, says, *command, name=record.name, owner=record.owner, facts=facts, began=began)

    def _made(
        self,
        kind: NotificationKind,
        says: str,
        *command: str,
        name: str = "",
        owner: str = "",
        facts: tuple[str, ...],
        began: datetime | None = None,
    ) -> Notification:
        """A notification, or the reminder whose turn it is; without `began` there are no reminders."""
        reminder = current_reminder(began, self._now, self._facts.remind_after) if began is not None else None
        if reminder is not None:
            facts = (*facts, f"reminder after {reminder.days} days")
            says = f"{says}; reminder {reminder.number}, after {reminder.days} days"
        return Notification(
            id=notification_id(self._facts.store_id, kind, *facts),
            kind=kind,
            name=name,
            owner=owner,
            says=safe_text(says, one_line=True, limit=_LONGEST),
            command=store_command(self._facts.store_url, *command),
            at=self._now,
            reminder=reminder.number if reminder is not None else 0,
        )


def store_command(url: str, *words: str) -> str:
    """A command line that works on any machine with access: it names the store."""
    return shlex.join(["tokenguard", "--store", url, *words])


def _stopped(journal: Journal, now: datetime) -> bool:
    return bool(journal.waiting_for) or now - journal.updated_at > _INTERRUPTED
