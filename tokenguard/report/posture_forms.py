"""A report as Markdown for people, and as JSON and CSV for programs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tokenguard.domain.token import Record
from tokenguard.domain.token_fields import STAND_INS
from tokenguard.inventory.views import day, moment
from tokenguard.markdown import exact, plain, table
from tokenguard.output.csv_table import csv_text
from tokenguard.policy.evaluation import Violation
from tokenguard.policy.model import age_starts_at, due_of
from tokenguard.report import report_tables as tables
from tokenguard.report.assessment_content import content
from tokenguard.report.controls import Evidence, evidence
from tokenguard.report.coverage import Coverage, coverage
from tokenguard.report.gathering import summary
from tokenguard.report.posture import (
    LEVELS,
    DueToken,
    Owned,
    Posture,
    WaiverStatus,
    ages,
    calendar,
    of_token,
    owners,
    placed,
    places,
    waiver_statuses,
)
from tokenguard.report.rotations import Rotation, rotations

_COLUMNS = (
    "store", "token", "listed as", "provider", "scope", "scope name", "environment", "owner", "created by",
    "creator has left", *(each.label for each in STAND_INS),
    "purpose", "kind", "state", "age in days", "due", "days left", "last check", "alive", "scope verified",
    *(f"{level}s" for level in LEVELS), "rules violated", "last operation", "old token proven dead",
)  # fmt: skip


def as_markdown(posture: Posture) -> str:
    """The report for people, in plain text."""
    parts = [
        "# Token report",
        f"{_sentence(plain(summary(posture.assessments)))} As of {posture.at:%Y-%m-%d %H:%M} UTC.",
        *(f"{_sentence(plain(remark))}" for remark in posture.remarks),
        table(["", ""], [[plain(each.label), plain(each.value)] for each in tables.figures(posture)]),
    ]
    for each in tables.sections(posture):
        parts.append(f"## {each.title}")
        rows = [[_markdown(cell) for cell in row] for row in each.rows[: tables.MAX_ROWS]]
        parts += [table(each.head, rows)] if rows else [each.empty]
        parts += [each.beyond] if each.beyond else []
    return "\n\n".join(parts) + "\n"


def as_json(posture: Posture) -> dict[str, Any]:
    """The report for programs: what `check` says, with owners, dates and evidence; every row of every table."""
    return {
        "at": moment(posture.at),
        "remarks": list(posture.remarks),
        **content(posture.assessments),
        "figures": {each.label: each.value for each in tables.figures(posture)},
        "ages": dict(ages(posture)),
        "calendar": dict(calendar(posture)),
        "owners": [_owned("owner", each) for each in owners(posture)],
        "scopes": [_owned("scope", each) for each in places(posture)],
        "due": [_upcoming(each, posture.at) for each in posture.upcoming],
        "rotations": [_rotation(each) for each in rotations(posture)],
        "waivers": [_standing(each) for each in waiver_statuses(posture)],
        "coverage": [_covered(each) for each in coverage(posture)],
        "controls": [_shown(each) for each in evidence(posture)],
    }


def as_csv(posture: Posture) -> str:
    """One line a token, then one for each thing without a record; no cell is a formula to a spreadsheet."""
    return csv_text(_COLUMNS, _csv_rows(posture))


def _csv_rows(posture: Posture) -> Iterator[dict[str, str]]:
    found, operations = of_token(posture), {each.place: each for each in rotations(posture)}
    for store, around, assessment in zip(posture.stores, posture.surroundings, posture.assessments, strict=True):
        for record in around.records:
            row = _token_row(posture, record) | _counted(found.get((store, record.name), []))
            if operation := operations.get(placed(store, record.name)):
                row |= {"last operation": operation.journal.mode.value}
                row |= {"old token proven dead": "yes" if operation.proven else "no"}
            yield {"store": store} | row
        for stranger in (each for each in assessment.violations if not each.token):
            yield {"store": stranger.store, "listed as": stranger.path} | _counted([stranger])


def _token_row(posture: Posture, record: Record) -> dict[str, str]:
    due, since, seen = due_of(record, posture.policy), age_starts_at(record), record.seen
    return {
        "token": record.name,
        "provider": record.provider,
        "scope": str(record.scope or ""),
        "scope name": record.scope_name,
        "environment": record.environment,
        "owner": record.owner,
        "created by": record.made_by,
        "creator has left": _left(posture, record),
        **{each.label: each.of(record) for each in STAND_INS},
        "purpose": record.purpose,
        "kind": record.kind.value,
        "state": record.state.value,
        "age in days": str((posture.at - since).days) if since else "",
        "due": day(due.at) if due else "",
        "days left": str(due.days_left(posture.at)) if due else "",
        "last check": day(seen.at) if seen else "",
        "alive": seen.verdict.value if seen else "",
        "scope verified": seen.scope_verdict.value if seen else "",
    }


def _left(posture: Posture, record: Record) -> str:
    """What the file of people says of the creator; empty if it says nothing."""
    told = [around.people.has_left(record.made_by) for around in posture.surroundings if around.people.known]
    return "" if not told or told[0] is None else "yes" if told[0] else "no"


def _counted(found: Sequence[Violation]) -> dict[str, str]:
    levels = {f"{level}s": str(sum(each.severity.value == level for each in found)) for level in LEVELS}
    return {**levels, "rules violated": " ".join(sorted({each.rule for each in found}))}


def _markdown(cell: tables.Cell) -> str:
    return exact(cell.text) if cell.kind == "exact" else plain(cell.text)


def _owned(what: str, row: Owned) -> dict[str, Any]:
    called = {"name": row.called} if row.called else {}
    return {what: row.name, **called, "tokens": row.tokens, **{level: row.levels.get(level, 0) for level in LEVELS}}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _upcoming(row: DueToken, now: datetime) -> dict[str, Any]:
    return {
        "token": row.place,
        "owner": row.record.owner,
        "due_at": moment(row.due.at),
        "days_left": row.due.days_left(now),
    }


def _rotation(row: Rotation) -> dict[str, Any]:
    return {
        "token": row.place,
        "mode": row.journal.mode,
        "opened_at": moment(row.journal.opened_at),
        "updated_at": moment(row.journal.updated_at),
        "state": row.state,
        "revoked_by": row.journal.revoked_by,
        "proven_dead": row.proven,
        "evidence": row.evidence,
        "consumers": row.consumers,
    }


def _standing(row: WaiverStatus) -> dict[str, Any]:
    match = row.waiver.match
    return {
        "rule": row.waiver.rule,
        "path": match.path or None,
        "token": None if match.path else match.token,
        "environment": match.environment,
        "provider": match.provider,
        "owner": row.waiver.owner,
        "reason": row.waiver.reason,
        "until": day(row.waiver.until),
        "days_left": row.left,
        "covers": row.covers,
    }


def _covered(row: Coverage) -> dict[str, Any]:
    return {
        "provider": row.provider,
        "tokens": row.tokens,
        "scopes": row.scopes,
        "seen_alive": row.alive,
        "scope_right": row.placed,
        "made": row.made,
        "list": row.listed,
        "listed": row.rows,
        "listed_without_record": row.unknown,
    }


def _shown(row: Evidence) -> dict[str, Any]:
    return {
        "framework": row.control.framework,
        "id": row.control.id,
        "title": row.control.title,
        "verdict": row.verdict,
        "rules": list(row.control.rules),
        "evidence": row.text,
    }
