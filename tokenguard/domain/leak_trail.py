"""Leak events in the audit trail: details of reported and ended leaks, and the leaks open at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.liveness import DeathProof
from tokenguard.domain.moment import moment_of
from tokenguard.domain.token import Record
from tokenguard.frozen import Frozen, replace

SINCE = "since"
"""In the event that puts a leak on record: when it began."""
_ENDED = "ended"
LEFT = "leaks_left"
"""In the event that ends a leak: how many are still open."""


def reported(leak: Exposure) -> Detail:
    """What the event says, beside the place, that puts a leak on record."""
    return {"reach": leak.reach.value, SINCE: leak.since.isoformat()}


def ended_by_person(record: Record, reason: str) -> Detail:
    """What the event says with which a person ends all leaks of a token."""
    return {"result": _ENDED, "reason": reason, "leaks": len(record.leaks), LEFT: 0}


class LeakReports(Frozen, frozen=True):
    """What a trail says of the reports of a token's open leaks."""

    times_ended: int = 0
    """How often a person has ended the leaks of the token: what is reported after that is another leak."""
    first: datetime | None = None
    """When the first leak that may still be open was reported; None where none was."""


def leak_reports(trail: Iterable[Event]) -> LeakReports:
    """How often a person has ended the leaks of a token, and since when one has been on record."""
    times_ended, first = 0, None
    for event in trail:
        if event.op is Op.LEAK and SINCE in event.detail:
            first = first or event.at
        if event.detail.get(LEFT) == 0:
            first = None
        times_ended += event.op is Op.LEAK and event.detail.get("result") == _ENDED
    return LeakReports(times_ended, first)


def after_death(record: Record, fingerprint: Fingerprint | None, proof: DeathProof) -> tuple[Record, Detail]:
    """The record after a death, and the details of its event: a proven one ends the leak of that very value."""
    evidence: Detail = {
        "grade": proof.grade.value,
        "control": proof.control,
        "controlled_by": proof.controlled_by.value,
    }
    if not proof.proven or all(each.fingerprint != fingerprint for each in record.leaks):
        return record, evidence
    left = tuple(each for each in record.leaks if each.fingerprint != fingerprint)
    return replace(record, leaks=left), {**evidence, LEFT: len(left)}


def open_leaks(trail: Iterable[Event]) -> tuple[Exposure, ...]:
    """The leaks that were open at the end of a trail; of which value each was, a trail does not say."""
    found: list[Exposure] = []
    for event in trail:
        if event.op is Op.LEAK and SINCE in event.detail:
            found = _with(found, event)
        left = event.detail.get(LEFT)
        if isinstance(left, int):
            found = found[len(found) - min(left, len(found)) :]
    return tuple(found)


def _with(found: Sequence[Exposure], event: Event) -> list[Exposure]:
    since = moment_of(str(event.detail[SINCE])) or event.at
    reach = event.detail.get("reach")
    known = Spread(reach) if reach in set(Spread) else Spread.PUBLIC
    where = str(event.detail.get("where", ""))
    return [*found, Exposure(since=since, reach=known, where=where, by=event.actor.id)]
