"""Removes from a document the times that are later than now: each becomes unknown, or now at most."""

from datetime import datetime
from typing import overload

from tokenguard.domain.document import Document
from tokenguard.domain.journal import Attempt, Handover, Journal, OldValue, Quarantined
from tokenguard.domain.liveness import DeathProof
from tokenguard.domain.token import Record
from tokenguard.frozen import replace
from tokenguard.ports.clock import is_behind


def corrected(document: Document, now: datetime) -> Document:
    """Return the document without times that `now` is behind.

    An age becomes unknown. What happened at an unknown time, happened by now: a wait that counts from it begins anew.
    Due dates and the ends of tokens are to lie ahead, and stay.
    """
    listing = document.listing
    return replace(
        document,
        record=_record(document.record, now),
        journal=_journal(document.journal, now) if document.journal else None,
        quarantine=tuple(_quarantined(each, now) for each in document.quarantine),
        listing=None if listing is not None and is_behind(now, listing.at) else listing,
    )


def _record(record: Record, now: datetime) -> Record:
    seen = record.seen
    if seen is not None and is_behind(now, seen.at):
        record = replace(record, seen=None, accepted_at=record.last_accepted)
    return replace(
        record,
        created_at=_known(record.created_at, now),
        rotated_at=_known(record.rotated_at, now),
        added_at=_by_now(record.added_at, now),
        accepted_at=_by_now(record.accepted_at, now),
        leaks=tuple(replace(each, since=_by_now(each.since, now)) for each in record.leaks),
    )


def _journal(journal: Journal, now: datetime) -> Journal:
    return replace(
        journal,
        opened_at=_by_now(journal.opened_at, now),
        updated_at=_by_now(journal.updated_at, now),
        old=_old(journal.old, now) if journal.old else None,
        attempts=tuple(_attempt(each, now) for each in journal.attempts),
        handovers=tuple(_handover(each, now) for each in journal.handovers),
        revoked_at=_by_now(journal.revoked_at, now),
        proof=_proof(journal.proof, now) if journal.proof else None,
    )


def _old(old: OldValue, now: datetime) -> OldValue:
    if old.seen is not None and is_behind(now, old.seen.at):
        old = replace(old, seen=None, accepted_at=now if old.accepted else None)
    return replace(
        old,
        created_at=_known(old.created_at, now),
        rotated_at=_known(old.rotated_at, now),
        accepted_at=_by_now(old.accepted_at, now),
    )


def _attempt(attempt: Attempt, now: datetime) -> Attempt:
    return replace(attempt, begun_at=_by_now(attempt.begun_at, now))


def _handover(handover: Handover, now: datetime) -> Handover:
    return replace(handover, at=_by_now(handover.at, now))


def _quarantined(item: Quarantined, now: datetime) -> Quarantined:
    """Its next look is as long after the last one as it was."""
    proof = _proof(item.proof, now)
    return replace(item, proof=proof, probe_due_at=item.probe_due_at - (item.proof.last_at - proof.last_at))


def _proof(proof: DeathProof, now: datetime) -> DeathProof:
    return replace(proof, first_at=_by_now(proof.first_at, now), last_at=_by_now(proof.last_at, now))


def _known(at: datetime | None, now: datetime) -> datetime | None:
    return None if at is not None and is_behind(now, at) else at


@overload
def _by_now(at: datetime, now: datetime) -> datetime: ...
@overload
def _by_now(at: datetime | None, now: datetime) -> datetime | None: ...
def _by_now(at: datetime | None, now: datetime) -> datetime | None:
    return now if at is not None and is_behind(now, at) else at
