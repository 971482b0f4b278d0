"""Leak events in the audit trail: details of reported and ended leaks, and the leaks open at a time."""

from collections.abc import Iterable, Sequence

from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.liveness import DeathProof
from tokenguard.domain.moment import moment_of
from tokenguard.domain.token import Record
from tokenguard.frozen import replace

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


def times_ended_by_person(trail: Iterable[Event]) -> int:
    """How often a person has ended the leaks of a token: what is reported after that is another leak."""
    return sum(event.op is Op.LEAK and event.detail.get("result") == _ENDED for event in trail)


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
