"""Reconstructs a token at an earlier time from its audit trail. Fields without events keep their current value."""

from collections.abc import Sequence
from datetime import datetime

from tokenguard.domain.document import Document
from tokenguard.domain.event import Event, Op, Phase
from tokenguard.domain.journal import Journal, Mode, Stage
from tokenguard.domain.leak_trail import open_leaks
from tokenguard.domain.liveness import DeathGrade, DeathProof, Observation, ScopeVerdict, Verdict
from tokenguard.domain.moment import moment_of
from tokenguard.domain.token import Record, RecordState
from tokenguard.frozen import Frozen, replace

_STAGES = {
    (Op.OPEN, Phase.FACT): Stage.OPEN,
    (Op.MINT, Phase.INTENT): Stage.MINT,
    (Op.STORE, Phase.FACT): Stage.STORED,
    (Op.ACCEPT, Phase.FACT): Stage.VERIFIED,
    (Op.PUBLISH, Phase.OUTCOME): Stage.PUBLISHED,
    (Op.REVOKE, Phase.INTENT): Stage.REVOKE_INTENDED,
    (Op.REVOKE, Phase.OUTCOME): Stage.REVOKED,
    (Op.DEATH, Phase.FACT): Stage.DEAD,
    (Op.DONE, Phase.FACT): Stage.DONE,
}
_LOOKS = frozenset({Op.VERIFY, Op.ACCEPT})


class HistoricalRecord(Frozen, frozen=True, kw_only=True):
    """A token at an earlier time."""

    document: Document
    edited: bool
    """Whether its record was edited since: the fields that a person sets are shown as they are now."""


def record_as_of(document: Document, events: Sequence[Event], at: datetime) -> HistoricalRecord | None:
    """Return the token as of `at`; None if it did not exist then.

    Args:
        document: as it is now.
        events: its whole trail, oldest first.
        at: an earlier moment.
    """
    before = [event for event in events if event.at <= at]
    if not before:
        return None
    since = events[len(before) :]
    record = replace(
        document.record,
        state=_state(document.record, before),
        rotated_at=_no_later(document.record.rotated_at, at) or _published_at(before),
        created_at=_no_later(document.record.created_at, at) or _made_before(since),
        leaks=open_leaks(before),
        seen=_seen(document.record.seen, before, at),
        accepted_at=None,
    )
    historical = replace(
        document,
        record=record,
        journal=_journal(document.journal, before, at),
        quarantine=tuple(item for item in document.quarantine if item.proof.last_at <= at),
    )
    return HistoricalRecord(document=historical, edited=any(event.op is Op.EDIT for event in since))


def _state(record: Record, before: Sequence[Event]) -> RecordState:
    ended = any(event.op is Op.DONE and event.detail.get("result") == Mode.RETIRE for event in before)
    if ended:
        return RecordState.RETIRED
    return RecordState.ACTIVE if record.state is RecordState.RETIRED else record.state


def _published_at(before: Sequence[Event]) -> datetime | None:
    """When the value that was live then replaced another one; taking a value in says nothing of its age."""
    taken_in = {each.rotation for each in before if each.op is Op.OPEN and each.detail.get("mode") == Mode.ADD}
    published = (each for each in reversed(before) if each.op is Op.PUBLISH and each.phase is Phase.OUTCOME)
    last = next(published, None)
    return last.at if last is not None and last.rotation not in taken_in else None


def _made_before(since: Sequence[Event]) -> datetime | None:
    """When the value of then was made, as the first operation afterwards that was to end it says."""
    opened = (event for event in since if event.op is Op.OPEN and event.detail.get("mode") != Mode.ADD)
    first = next(opened, None)
    return moment_of(str(first.detail.get("made", ""))) if first is not None else None


def _no_later(moment: datetime | None, at: datetime) -> datetime | None:
    return moment if moment is not None and moment <= at else None


def _seen(seen: Observation | None, before: Sequence[Event], at: datetime) -> Observation | None:
    """The last look of then; of earlier ones the trail keeps the verdict, not where the token led."""
    if seen is not None and seen.at <= at:
        return seen
    for event in reversed(before):
        verdict = event.detail.get("verdict")
        if event.op in _LOOKS and verdict in set(Verdict):
            scope = event.detail.get("scope")
            return Observation(
                verdict=Verdict(verdict),
                at=event.at,
                reason=str(event.detail.get("reason", "")),
                scope_verdict=ScopeVerdict(scope) if scope in set(ScopeVerdict) else ScopeVerdict.UNVERIFIED,
            )
    return None


def _journal(journal: Journal | None, before: Sequence[Event], at: datetime) -> Journal | None:
    """The operation of then, if it is the last one still; of an earlier one only the trail tells."""
    if journal is None or journal.updated_at <= at:
        return journal
    own = [event for event in before if event.rotation == journal.id]
    if not own:
        return None
    stages = [_STAGES[event.op, event.phase] for event in own if (event.op, event.phase) in _STAGES]
    done = [Stage.DONE] if Stage.DONE in stages else []  # a later look at what died comes after it
    return replace(
        journal,
        stage=[Stage.OPEN, *stages, *done][-1],
        updated_at=own[-1].at,
        handovers=tuple(each for each in journal.handovers if each.at <= at),
        revoked_at=_no_later(journal.revoked_at, at),
        revoked_by=journal.revoked_by if _no_later(journal.revoked_at, at) else "",
        proof=_proof(journal, own, at),
        waiting_for="",
    )


def _proof(journal: Journal, own: Sequence[Event], at: datetime) -> DeathProof | None:
    """The proof of then: confirmed only if the later look was before."""
    proof, old = journal.proof, journal.old
    if proof is None or proof.last_at > at:
        return None
    confirmed = any(
        event.op is Op.DEATH and event.detail.get("grade") == DeathGrade.CONFIRMED and old is not None
        and event.detail.get("label") == old.label
        for event in own
    )  # fmt: skip
    return (
        proof if confirmed or proof.grade is not DeathGrade.CONFIRMED else replace(proof, grade=DeathGrade.PROVISIONAL)
    )
