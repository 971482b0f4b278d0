"""Displays a token: one stable JSON form, and short texts for tables. Never a value."""

from datetime import UTC, datetime
from typing import Any

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import ChainedEvent, Phase
from tokenguard.domain.journal import AttemptState, Journal, Mode, Quarantined, Stage
from tokenguard.domain.leak import Exposure
from tokenguard.domain.liveness import DeathProof, Observation, ScopeVerdict
from tokenguard.domain.token import LeakWaiver, Record, RecordState
from tokenguard.domain.token_fields import PEOPLE
from tokenguard.frozen import Frozen
from tokenguard.policy.model import Due, age_starts_at


def moment(at: datetime | None) -> str | None:
    """A time as ISO 8601 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def day(at: datetime | None) -> str:
    """A time's day, for tables."""
    return at.astimezone(UTC).strftime("%Y-%m-%d") if at else ""


def token_json(snapshot: Snapshot, due: Due | None, now: datetime) -> dict[str, Any]:
    """One token, as `list` and `show` give it to programs."""
    document = snapshot.document
    return {
        "id": snapshot.id,
        **_record(document.record),
        "due_at": moment(due.at) if due else None,
        "days_left": due.days_left(now) if due else None,
        "overdue": due is not None and due.at <= now,
        "operation": _operation(document.journal) if document.journal and document.busy else None,
        "quarantined": len(document.quarantine),
        "possibly_alive": [each.provider_label or each.label for each in document.possibly_alive],
    }


def detail_json(snapshot: Snapshot, due: Due | None, now: datetime, entries: list[ChainedEvent]) -> dict[str, Any]:
    """One token with its last operation, quarantine and events."""
    document = snapshot.document
    return {
        **token_json(snapshot, due, now),
        "version": snapshot.version,
        "last_operation": _operation(document.journal) if document.journal else None,
        "quarantine": [_quarantined(each) for each in document.quarantine],
        "events": [entry_json(entry) for entry in entries],
    }


def entry_json(entry: ChainedEvent) -> dict[str, Any]:
    """One audit entry."""
    event = entry.event
    return {
        "seq": entry.seq,
        "at": moment(event.at),
        "op": event.op,
        "phase": event.phase,
        "name": event.name,
        "actor": event.actor.id,
        "host": event.actor.host,
        "ci_run": event.actor.ci_run,
        "rotation": event.rotation,
        "detail": event.detail,
        "hash": entry.hash,
    }


def liveness_words(seen: Observation | None) -> str:
    """The last look, in a word or two."""
    if seen is None:
        return "not verified"
    if seen.scope_verdict is ScopeVerdict.WRONG:
        return f"{seen.verdict}, wrong scope"
    return seen.verdict.value


def state_words(document: Document) -> str:
    """Where the token is in its life: its state, the open operation if there is one, the last look."""
    leak, older = document.record.live_leak, document.record.older_leak
    leaked = f"leaked ({leak.reach}), " if leak else f"an older value leaked ({older.reach}), " if older else ""
    if document.busy and document.journal is not None:
        return f"{leaked}{document.journal.words}"
    journal = document.journal
    if document.record.state is RecordState.RETIRED and journal is not None and journal.proof is not None:
        return f"{leaked}{document.record.state}, {'dead' if journal.proof.proven else journal.proof.words}"
    return f"{leaked}{document.record.state}, {liveness_words(document.record.seen)}"


def possibly_alive_words(document: Document) -> str:
    """The tokens whose death is only asserted, each with the name of who says so."""
    return "; ".join(
        f"{each.provider_label or each.label} ({each.proof.words}, not proven)" for each in document.possibly_alive
    )


def due_words(due: Due | None, now: datetime, *, age_unknown: bool = False) -> str:
    """The due date and how far it is."""
    if due is None:
        return "age unknown" if age_unknown else ""
    return f"{day(due.at)} ({days_in_words(due, now)})"


def days_in_words(due: Due, now: datetime) -> str:
    """The days that are left or over; a token is due on the day of its date."""
    left = due.days_left(now)
    return f"{left} d" if due.at > now else f"overdue {-left} d" if left else "due today"


def waiver_words(waiver: LeakWaiver | None) -> str:
    """Who answers for a value that scans find, until when and why."""
    return f"until {day(waiver.until)} by {waiver.owner}: {waiver.reason}" if waiver else ""


def leak_words(leak: Exposure | None) -> str:
    """Since when, how far, where and by whose word."""
    if leak is None:
        return ""
    return f"since {day(leak.since)}, {leak.reach}{f' at {leak.where}' if leak.where else ''}, reported by {leak.by}"


def older_leak_ends(name: str) -> str:
    """What ends the leak of a replaced value; rotating the live one does not."""
    return f"tokenguard verify {name}; if it is not stored any more: tokenguard edit {name} --leak-ended REASON"


def _leak(leak: Exposure | None) -> dict[str, Any] | None:
    if leak is None:
        return None
    return {"since": moment(leak.since), "reach": leak.reach, "where": leak.where, "by": leak.by}


def _waiver(waiver: LeakWaiver | None) -> dict[str, Any] | None:
    return {"owner": waiver.owner, "reason": waiver.reason, "until": moment(waiver.until)} if waiver else None


def _record(record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "provider": record.provider,
        "kind": record.kind,
        "state": record.state,
        "scope": str(record.scope) if record.scope else None,
        "scope_name": record.scope_name,
        "permissions": list(record.permissions),
        "environment": record.environment,
        "purpose": record.purpose,
        "owner": record.owner,
        **{each.name: each.of(record) for each in PEOPLE},
        "consumers": None if record.consumers is None else [str(each) for each in record.consumers],
        "consumer_servers": {str(each): each.server for each in record.consumers or () if each.server},
        "location": {
            "custody": record.location.custody,
            "url": record.location.url,
            "server": record.location.server,
        },
        "base_url": record.base_url,
        "created_at": moment(record.created_at),
        "age_known": age_starts_at(record) is not None,
        "added_at": moment(record.added_at),
        "rotated_at": moment(record.rotated_at),
        "ends_at": moment(record.ends_at),
        "fingerprint": record.fingerprint,
        "provider_id": record.provider_id,
        "hint": record.hint,
        "label": record.label,
        "imported_from": record.imported_from,
        "after": ";".join(map(str, record.after)),
        "liveness": _seen(record.seen),
        "missing": list(record.missing),
        "leaked": _leak(record.leaked),
        "leak_waiver": _waiver(record.waived_leak),
        "notes": record.notes,
    }


def _seen(seen: Observation | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "verdict": seen.verdict,
        "at": moment(seen.at),
        "reason": seen.reason,
        "scope": str(seen.scope) if seen.scope else None,
        "scope_name": seen.scope_name,
        "scope_verdict": seen.scope_verdict,
    }


def _operation(journal: Journal) -> dict[str, Any]:
    return {
        "id": journal.id,
        "mode": journal.mode,
        "stage": journal.stage,
        "epoch": journal.epoch,
        "holder": journal.holder,
        "opened_at": moment(journal.opened_at),
        "updated_at": moment(journal.updated_at),
        "reason": journal.reason,
        "waiting_for": journal.waiting_for,
        "attempts": [{"label": each.label, "state": each.state} for each in journal.attempts],
        "living": [
            {"which": each.which, "label": each.label, "provider_id": each.provider_id, "hint": each.hint,
             "since": moment(each.since)}
            for each in possibly_alive_tokens(journal)
        ],
        "proof": _proof(journal.proof) if journal.proof else None,
    }  # fmt: skip


class PossiblyAliveToken(Frozen, frozen=True, kw_only=True):
    """A token that is accepted by its provider, or may be, and by what it is found there."""

    which: str
    """`old` or `new`."""
    label: str
    provider_id: str
    hint: str
    since: datetime | None
    unit: str = "token"
    """`value` if the token stays and its value is replaced in place."""

    @property
    def words(self) -> str:
        """What is known of it, in a line."""
        known = [
            self.label or "its name is not on record",
            f"id {self.provider_id}" if self.provider_id else "",
            f"shown as {self.hint}" if self.hint else "",
            f"since {day(self.since)}" if self.since else "",
        ]
        return ", ".join(part for part in known if part)


def possibly_alive_tokens(journal: Journal) -> tuple[PossiblyAliveToken, ...]:
    """The tokens of an operation that are alive or may be: the old one until its death is proven, and what was made."""
    found: list[PossiblyAliveToken] = []
    old, proof = journal.old, journal.proof
    aborted, unit = journal.stage is Stage.ABORTED, journal.mode.unit
    in_place = journal.mode is Mode.IN_PLACE and old is not None
    if old is not None and not aborted and not (proof is not None and proof.proven):
        since = old.created_at or old.rotated_at
        found.append(
            PossiblyAliveToken(
                which="old",
                label=old.provider_label,
                provider_id=old.provider_id,
                hint=old.hint,
                since=since,
                unit=unit,
            )
        )
    made = journal.attempts if not journal.stage.ended else ()
    found += [
        PossiblyAliveToken(
            which="new",
            label=old.provider_label if in_place and old else each.label,
            provider_id=each.provider_id,
            hint=each.hint,
            since=each.begun_at,
            unit=unit,
        )
        for each in made
        if each.state is not AttemptState.GONE
    ]
    return tuple(found)


def _quarantined(item: Quarantined) -> dict[str, Any]:
    return {
        "label": item.label,
        "provider_label": item.provider_label,
        "provider_id": item.provider_id,
        "probe_due_at": moment(item.probe_due_at),
        "alive_again": item.alive_again,
        "proof": _proof(item.proof),
    }


def _proof(proof: DeathProof) -> dict[str, Any]:
    return {
        "grade": proof.grade,
        "first_at": moment(proof.first_at),
        "last_at": moment(proof.last_at),
        "samples": proof.samples,
        "control": proof.control,
        "controlled_by": proof.controlled_by,
        "accepted": proof.accepted,
        "said_by": proof.said_by,
    }


def _fact(key: str, value: object) -> str:
    """One fact of an event. A delivery is stored as `1-confirmed`, which reads like a name."""
    number, _, rest = str(value).partition("-")
    return f"consumers-confirmed={number}" if rest == "confirmed" and number.isdecimal() else f"{key}={value}"


def event_words(entry: ChainedEvent) -> tuple[str, str, str, str]:
    """One audit entry as a table's row: when, what, who, how."""
    event = entry.event
    what = event.op if event.phase is Phase.FACT else f"{event.op} ({event.phase})"
    detail = " ".join(_fact(key, value) for key, value in sorted(event.detail.items()))
    return moment(event.at) or "", what, event.actor.id, detail
