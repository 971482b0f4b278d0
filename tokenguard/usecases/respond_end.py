"""The work of `respond` on each token: check it, record the leak, revoke it on request, check again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from tokenguard.domain.document import Document
from tokenguard.domain.event import ChainedEvent, Detail, Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.leak_trail import SINCE
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.moment import moment_of
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import ExitCode, InputError, NotProvenDead, TokenguardError
from tokenguard.frozen import Frozen, replace
from tokenguard.inventory.verification import verify
from tokenguard.policy.model import age_starts_at
from tokenguard.ports.provider import ByValue
from tokenguard.report.incident import IncidentToken, LeakLocation, proof_of
from tokenguard.rotation.batch import failure_line
from tokenguard.rotation.sampling import Controls
from tokenguard.text import pluralize
from tokenguard.usecases.notify_at_once import notify_at_once
from tokenguard.usecases.parts import HasEngine, HasOpenWork, HasStore, HasVendors
from tokenguard.usecases.report_leaks import ReportLeaksParts, record_leak
from tokenguard.usecases.respond_lookup import Findings, Leaked
from tokenguard.usecases.send_notifications import SendNotificationsParts

_MOST_PLACES = 50
_MAX_WHERE = 200
_SHOWN_PLACES = 3


class RespondEndParts(SendNotificationsParts, ReportLeaksParts, HasOpenWork, HasVendors, Protocol):
    """What this use case takes."""


class _ResponseState(Frozen, frozen=True):
    verdict: Verdict
    reason: str


class LeakFacts(Frozen, frozen=True, kw_only=True):
    """Facts about a leak beside its findings."""

    reach: Spread
    where: str = ""
    since: datetime | None = None


def respond_to(
    parts: RespondEndParts, findings: Findings, told: LeakFacts, *, rotate: bool
) -> tuple[list[IncidentToken], ExitCode]:
    """Respond to each leaked value; a failure does not stop the next.

    Returns:
        The final state of each, and the gravest exit code.
    """
    for leaked in findings.leaks:
        _check_since(leaked, told.since)
    cases, code = list[IncidentToken](), ExitCode.OK
    for leaked in findings.leaks:
        try:
            case, found = _respond_to_one(parts, leaked, told, rotate=rotate)
        except KeyboardInterrupt:
            parts.unfinished = _after_interrupt(parts, leaked, left=len(findings.leaks) - len(cases) - 1)
            raise
        cases.append(case)
        code = max(code, found)
    return cases, code


def _respond_to_one(
    parts: RespondEndParts, leaked: Leaked, told: LeakFacts, *, rotate: bool
) -> tuple[IncidentToken, ExitCode]:
    replaced_at = _replaced_at(leaked, parts.store.history(leaked.snapshot.id))
    if replaced_at is not None and told.since is not None and told.since.date() < replaced_at.date():
        return _respond(parts, _of_older_value(leaked, replaced_at), told, rotate=rotate)
    if replaced_at is not None and (told.since is None or told.since.date() == replaced_at.date()):
        return _leave_undecided(parts, leaked, told, replaced_at), ExitCode.UNREACHABLE
    return _respond(parts, leaked, told, rotate=rotate)


def _after_interrupt(parts: RespondEndParts, leaked: Leaked, *, left: int) -> str:
    """What is on record of the token that was worked on, and the command that goes on with it."""
    name, record = leaked.snapshot.document.record.name, parts.store.load(leaked.snapshot.id).document.record
    if parts.open_operation() is not None:
        said = f"the leak of {name} is recorded, and its rotation is open: tokenguard rotate {name} --resume"
    elif record.live_leak is not None:
        said = f"the leak of {name} is recorded, and nothing was revoked: tokenguard rotate {name} --compromised"
    elif record.older_leak is not None:
        said = f"the leak of an older value of {name} is recorded: tokenguard verify {name}"
    else:
        said = f"no leak of {name} is recorded: run the same command again"
    return f"{said}; {pluralize(left, 'value')} left: run the same command again" if left else said


def _check_since(leaked: Leaked, since: datetime | None) -> None:
    """Refuse a day before the value was created, where that is known.

    Raises:
        InputError: the value did not exist yet.
    """
    created = _created(leaked)
    if since is not None and created is not None and since.date() < created.astimezone(UTC).date():
        raise InputError(
            f"--since is before the leaked value of {leaked.snapshot.document.record.name} was created",
            hint=f"it was created on {created:%Y-%m-%d}; if that is wrong: tokenguard edit "
            f"{leaked.snapshot.document.record.name} --created YYYY-MM-DD",
        )


def _replaced_at(leaked: Leaked, trail: Sequence[ChainedEvent]) -> datetime | None:
    """When a rotation replaced the value of a leak that was reported before, if the finding does not tell the values.

    A report code names a token: reported again after the rotation, it may still mean the replaced value.
    """
    document = leaked.snapshot.document
    record, rotated_at = document.record, document.record.rotated_at
    tells = leaked.fingerprint is not None or bool(leaked.revoked_on) or document.busy
    if tells or rotated_at is None or record.live_leak is not None:
        return None
    leaks = (each.event for each in trail if each.event.op is Op.LEAK and SINCE in each.event.detail)
    return rotated_at if any(each.at <= rotated_at for each in leaks) else None


def _of_older_value(leaked: Leaked, replaced_at: datetime) -> Leaked:
    """The finding of a value that was replaced then."""
    day = replaced_at.astimezone(UTC).date().isoformat()
    return replace(leaked, sightings=tuple(replace(each, revoked_on=day) for each in leaked.sightings))


def _leave_undecided(parts: RespondEndParts, leaked: Leaked, told: LeakFacts, replaced_at: datetime) -> IncidentToken:
    """Neither record a leak of the live value, nor revoke it: it may be the successor of the one that leaked."""
    proof = proof_of(leaked.snapshot.document, None, rotated=True)
    dead = f" (dead: proven, {proof.grade.value})" if proof is not None and proof.proven else ""
    state = _ResponseState(
        Verdict.UNKNOWN,
        f"rotated on {replaced_at.astimezone(UTC):%Y-%m-%d} after a leak of its earlier value{dead} was reported; a "
        "report code does not say which value leaked",
    )
    _put_on_record(parts, leaked, told, state, None)
    leaked = replace(leaked, snapshot=parts.store.load(leaked.snapshot.id))
    return _case(parts, leaked, state, None, told.where, rotated=False, problem="", undecided=True)


def _created(leaked: Leaked) -> datetime | None:
    """When the leaked value was created; None if that is unknown, or it is unknown which value leaked."""
    document = leaked.snapshot.document
    record, old = document.record, document.journal.old if document.journal else None
    if leaked.fingerprint == record.fingerprint or (
        leaked.fingerprint is None and old is None and not leaked.revoked_on
    ):
        return age_starts_at(record)
    if old is not None and leaked.fingerprint == old.fingerprint:
        return old.created_at or old.rotated_at
    return None


def _respond(
    parts: RespondEndParts, leaked: Leaked, told: LeakFacts, *, rotate: bool
) -> tuple[IncidentToken, ExitCode]:
    record, reach = leaked.snapshot.document.record, told.reach
    state = _look(parts, leaked)
    leak = _exposure(parts, leaked, told)
    where = leak.where
    recorded = _put_on_record(parts, leaked, told, state, leak)
    leaked = replace(leaked, snapshot=parts.store.load(leaked.snapshot.id))
    same = [each for each in leaked.snapshot.document.record.leaks if each.fingerprint == leak.fingerprint]
    leak = same[0] if same else leak  # joined with earlier reports
    problem, code, rotated = "", ExitCode.OK, False
    notify_at_once(parts, leaked.snapshot.id)  # before a rotation can end the leak
    if not recorded:
        problem, code = "the leak is not recorded", ExitCode.UNREACHABLE
    unrecorded = problem, code
    if state.verdict is Verdict.ALIVE and (alarm := _reopened(parts, leaked)) is not None:
        problem, code = alarm.message, alarm.exit_code
        leaked = replace(leaked, snapshot=parts.store.load(leaked.snapshot.id))
    if state.verdict is not Verdict.DEAD:
        if _is_old(leaked):
            problem = "an older value leaked, which a new rotation does not revoke: verify the token, then resume"
            code = ExitCode.NOT_PROVEN_DEAD if state.verdict is Verdict.ALIVE else ExitCode.UNREACHABLE
        elif rotate or _said_yes(parts, leaked, reach, state):
            rotated, problem, code = True, *unrecorded
            try:
                _end(parts, leaked, reach)
            except TokenguardError as error:
                problem, code = error.message, error.exit_code
                parts.progress.note(failure_line(record.name, error))
            leaked = replace(leaked, snapshot=parts.store.load(leaked.snapshot.id))
            state = _look(parts, leaked, rotated=not problem)
    case = _case(parts, leaked, state, leak, where, rotated=rotated and not problem, problem=problem)
    return case, code


def _reopened(parts: RespondEndParts, leaked: Leaked) -> NotProvenDead | None:
    """Reopen the revoke of an old value that is accepted; None for the live value, and for one that is not kept."""
    if leaked.fingerprint is None or leaked.fingerprint == leaked.snapshot.document.record.fingerprint:
        return None
    try:
        with parts.working_on(leaked.snapshot.document.record.name):
            parts.engine.reopen(leaked.snapshot.id, leaked.fingerprint)
    except NotProvenDead as error:
        parts.progress.note(f"{error.message}; {error.hint}")
        return error
    return None


def _exposure(parts: RespondEndParts, leaked: Leaked, told: LeakFacts) -> Exposure:
    """The leak's facts; it began at the time in the findings, the given time, or now."""
    places = [each.place for each in leaked.sightings if each.path]
    return Exposure(
        since=min(filter(None, (told.since, _earliest(leaked))), default=parts.clock.now()),
        reach=told.reach,
        where=(told.where or ", ".join(places[:_SHOWN_PLACES]))[:_MAX_WHERE],
        by=parts.store.actor().id,
        fingerprint=leaked.fingerprint or _meant(leaked),
    )


def _meant(leaked: Leaked) -> Fingerprint | None:
    """Of the value that a finding without one means: the replaced one if it says so, else the live one."""
    document = leaked.snapshot.document
    old = document.journal.old if document.journal is not None and leaked.revoked_on else None
    return old.fingerprint if old is not None else document.record.fingerprint


def _earliest(leaked: Leaked) -> datetime | None:
    return min(filter(None, (moment_of(_iso(each.since)) for each in leaked.sightings)), default=None)


def _look(parts: RespondEndParts, leaked: Leaked, *, rotated: bool = False) -> _ResponseState:
    """Whether the leaked value is alive. Dead requires a proof: a single refusal may be an outage."""
    try:
        state = _asked(parts, leaked, rotated=rotated)
    except TokenguardError as error:
        state = _ResponseState(Verdict.UNKNOWN, error.message)
    if state.verdict is Verdict.ALIVE:
        return state
    document = leaked.snapshot.document
    proof = proof_of(document, leaked.fingerprint, rotated=rotated or bool(leaked.revoked_on))
    if proof is not None and proof.proven:
        return _ResponseState(Verdict.DEAD, f"{proof.grade.value} proof")
    retired = document.record.state is RecordState.RETIRED and leaked.fingerprint is None
    if (
        retired
        and document.journal is not None
        and document.journal.proof is not None
        and document.journal.proof.proven
    ):
        return _ResponseState(Verdict.DEAD, "the token is retired")
    if state.verdict is Verdict.DEAD:
        return _ResponseState(Verdict.UNKNOWN, f"refused ({state.reason}), and not proven dead")
    return state


def _asked(parts: RespondEndParts, leaked: Leaked, *, rotated: bool) -> _ResponseState:
    record = leaked.snapshot.document.record
    if leaked.value is not None:
        provider = parts.vendors.provider_of(record)
        if not provider.capabilities.probe:
            return _ResponseState(Verdict.UNKNOWN, f"{provider.name} cannot verify tokens")
        seen = provider.probe(leaked.value, record.scope)
        return _ResponseState(seen.verdict, seen.reason)
    if rotated or leaked.revoked_on:  # the live value is its successor
        return _ResponseState(Verdict.UNKNOWN, "an older value, which is no longer stored")
    controls = Controls(parts.store, parts.vendors, parts.clock)
    look = verify(parts.store, parts.clock, parts.vendors.provider_of, leaked.snapshot, controlled=controls.hold)
    return _ResponseState(look.seen.verdict if look.seen else Verdict.UNKNOWN, look.reason + _asked_with(record))


def _asked_with(record: Record) -> str:
    """Note for a finding that names only the token: it may be older than the last rotation, and of another value."""
    since = record.rotated_at or record.added_at
    return f"; verified with its current value, live since {since:%Y-%m-%d %H:%M} UTC" if since is not None else ""


def _is_old(leaked: Leaked) -> bool:
    """Whether it is a replaced value, whose revocation can only be completed."""
    document = leaked.snapshot.document
    other = leaked.fingerprint is not None and leaked.fingerprint != document.record.fingerprint
    return (other or bool(leaked.revoked_on)) and not document.busy


def _said_yes(parts: RespondEndParts, leaked: Leaked, reach: Spread, state: _ResponseState) -> bool:
    if parts.tty is None or reach is Spread.STAGED:
        return False
    document = leaked.snapshot.document
    record = document.record
    parts.tty.show(f"{record.name}: {state.verdict.value} ({state.reason}), owner {record.owner or 'unknown'}")
    what = (
        f"resume the open operation ({document.journal.mode.value})"
        if document.busy and document.journal
        else _question(parts, record)
    )
    return parts.tty.ask(f"{what} [yes/no] ").strip().lower() == "yes"


def _question(parts: HasVendors, record: Record) -> str:
    provider = parts.vendors.provider_of(record)
    shown = provider.capabilities.by_value is ByValue.LEAKED
    how = f" The value is sent to {provider.name}, which revokes it for good and may tell its owner." if shown else ""
    return f"Revoke now? Consumers will fail until they receive the new token.{how}"


def _end(parts: HasEngine, leaked: Leaked, reach: Spread) -> None:
    """Rotate the token, or complete its open operation; raises what the engine raises."""
    snapshot = leaked.snapshot
    with parts.working_on(snapshot.document.record.name):
        if snapshot.document.busy:
            parts.engine.resume(snapshot.id)
        else:
            parts.engine.rotate(snapshot.id, compromised=True, reason=f"leaked: {reach.value}")


def _put_on_record(
    parts: RespondEndParts, leaked: Leaked, told: LeakFacts, state: _ResponseState, leak: Exposure | None
) -> bool:
    """One event per place; a place is recorded by name only.

    A value that is proven dead, or never left one working copy, is not recorded as a leak.
    """
    is_open = state.verdict is not Verdict.DEAD and told.reach is not Spread.STAGED
    details: list[Detail] = [
        {
            "channel": each.scanner,
            "where": (each.place if each.path or not told.where else told.where)[:_MAX_WHERE],
            "reach": told.reach.value,
            "verdict": state.verdict.value,
            "result": "reported",
        }
        for each in leaked.sightings[:_MOST_PLACES]
    ]
    return record_leak(parts, leaked.snapshot.document.record.name, details, leak if is_open else None)


def _case(
    parts: HasStore,
    leaked: Leaked,
    state: _ResponseState,
    leak: Exposure | None,
    where: str,
    *,
    rotated: bool,
    problem: str,
    undecided: bool = False,
) -> IncidentToken:
    document: Document = leaked.snapshot.document
    return IncidentToken(
        document=document,
        fingerprint=leaked.fingerprint,
        places=tuple(
            LeakLocation(
                where=each.place if each.path or not where else where,
                since=each.since,
                commit=each.commit[:12],
                found_by=each.scanner,
            )
            for each in leaked.sightings[:_MOST_PLACES]
        ),
        since=_earliest(leaked),
        leak=leak,
        verdict=state.verdict,
        reason=state.reason,
        rotated=rotated,
        problem=problem,
        undecided=undecided,
        trail=tuple(parts.store.history(leaked.snapshot.id)),
    )


def _iso(text: str) -> str:
    """A scanner's date as ISO 8601, if it has the format that all but ggshield use."""
    return text.replace(" +", "+").replace(" -", "-")
