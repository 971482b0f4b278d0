"""Opens an operation after checking everything that can be checked before the first effect."""

from datetime import datetime

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.journal import Journal, Mode, OldValue, Stage
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.names import Label, TokenId, new_token_id
from tokenguard.domain.secret import Value
from tokenguard.domain.token import ConsumerKind, Record, RecordState
from tokenguard.errors import (
    Conflict,
    InputError,
    NotProvenDead,
    RotatedByOthers,
    TokenguardError,
    Unfinished,
    Unreachable,
)
from tokenguard.frozen import replace
from tokenguard.ports.clock import refuse_if_behind
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.provider import Method, Provider
from tokenguard.ports.store import FieldState, Live
from tokenguard.rotation.control_search import ControlSearch
from tokenguard.rotation.lease import is_runner_alive, pid_of
from tokenguard.rotation.machine import can_abort, revocation_owed
from tokenguard.rotation.preconditions import is_unused_since
from tokenguard.rotation.prompts import create_task, delivery_task, revoke_task
from tokenguard.rotation.sampling import Sampler
from tokenguard.rotation.session import Context, TokenSession, issuer_of, new_operation_id
from tokenguard.rotation.value_in_use import value_in_use
from tokenguard.text import pluralize


def open_new(
    context: Context, record: Record, mode: Mode, *, reason: str = "", approved: Detail | None = None
) -> TokenSession:
    """Open an operation on a new token (ADD, ISSUE); its record is created before its value.

    A `pending` record, declared or left by a crash, is reused. Where its value goes and who owns it change as in an
    edit: with a second person, unless `approved` says under which approval already. So do the first destinations.
    """
    existing = context.store.find(record.name)
    if existing is not None and existing.document.record.state is not RecordState.PENDING:
        raise InputError(
            f"there is already a token named {record.name}",
            hint="choose another name, or change the existing token with `tokenguard edit`",
        )
    if approved is None and not (existing is not None and existing.document.busy):
        approved = context.authorise_change(existing, record)
    _check_consumers(context, record)
    if mode is Mode.ISSUE:
        _check_can_make(context, record)
        _check_person(context, record, mode)
    record = replace(record, state=RecordState.PENDING, added_at=record.added_at or context.clock.now())
    if existing is None:
        return _open(
            context, new_token_id(), 0, Document(record=record), mode, live=None, reason=reason, approved=approved
        )  # fmt: skip
    if existing.document.busy:
        raise Unfinished(
            f"an operation that creates {record.name} is already open",
            hint=f"tokenguard rotate {record.name} --resume, or --abort",
        )
    document = replace(existing.document, record=record)
    live = context.store.read_live(existing.id)
    return _open(
        context, existing.id, existing.version, document, mode, live=live, reason=reason, approved=approved
    )  # fmt: skip


def open_existing(
    context: Context, snapshot: Snapshot, mode: Mode, *, reason: str = "", accept_outage: bool = False
) -> TokenSession:
    """Open a rotation or retirement of a token that has a live value."""
    record = snapshot.document.record
    if record.state is RecordState.RETIRED and not snapshot.document.busy:
        raise InputError(f"{record.name} is retired", hint="create a new token with `tokenguard add`")
    if snapshot.document.busy:
        raise _open_already(snapshot.document)
    check_clock(context, snapshot.document)
    _check_consumers(context, record)
    live = value_in_use(context.store, snapshot)
    if live is None:
        waits = record.state is RecordState.PENDING
        hint = f"`tokenguard {'add' if waits else 'show'} {record.name}` {'brings it' if waits else 'says why'}"
        raise InputError(f"the store holds no live value of {record.name}", hint=hint)
    if mode.is_routine and live.found is not FieldState.EXPECTED:
        raise UnexpectedValue.at(
            record.location.url
        )  # a leak or retirement revokes the old value even if the external field has changed
    approved = context.authorise(snapshot, mode)
    look = _check_provider(context, snapshot, mode, live)
    _check_person(context, record, mode)
    if mode.is_routine and not accept_outage:
        _check_declared(context, record)
    return _open(
        context, snapshot.id, snapshot.version, snapshot.document, mode, live=live, reason=reason,
        outage=accept_outage, approved=approved, accepted=_accepts_now(context, record, live, look),
    )  # fmt: skip


def take_over(
    context: Context, snapshot: Snapshot, *, accept_outage: bool = False, reason: str = "", from_living: bool = False
) -> TokenSession:
    """Take over an open operation. From the commit on, the previous runner is fenced.

    Raises:
        Unfinished: the previous runner is still running on this machine, and `from_living` is not set.
    """
    check_clock(context, snapshot.document)
    session = TokenSession(context, snapshot)
    journal = session.journal
    if not from_living and is_runner_alive(journal):
        raise Unfinished(
            f"another runner on this machine is working on {session.record.name} (process {pid_of(journal.holder)})",
            hint="wait for it or stop it; in a terminal, --resume asks whether to take over",
        )
    session.commit(
        session.event(Op.TAKE_OVER, Phase.FACT, stage=journal.stage.value, previous=journal.holder, reason=reason),
        epoch=journal.epoch + 1,
        holder=context.holder,
        accept_outage=journal.accept_outage or accept_outage,
        waiting_for="",
    )
    return session


def check_clock(context: Context, document: Document) -> None:
    """Check this machine's clock against the token's timestamps: due dates and proofs depend on it.

    Raises:
        InputError: this machine's clock is behind.
    """
    refuse_if_behind(context.clock.now(), document.latest)


def _open_already(document: Document) -> TokenguardError:
    """Return the error for a token with an open operation: NotProvenDead if a revocation is unconfirmed."""
    record, journal = document.record, document.journal
    resume = f"tokenguard rotate {record.name} --resume"
    if revocation_owed(document):
        return NotProvenDead(f"the old token of {record.name} is not yet revoked or not proven dead", hint=resume)
    undo = ", or --abort" if journal and can_abort(journal) else ""
    return Unfinished(f"an operation on {record.name} is open", hint=f"{resume}{undo}")


def _check_declared(context: Context, record: Record) -> None:
    """Refuse an unattended rotation of a token whose consumers are not declared.

    Raises:
        Unfinished: consumers are not declared; nothing was begun.
    """
    if context.attended or record.consumers is not None:
        return
    since = context.clock.now() - context.quiet_period
    vendor, accepted = context.vendors.of(record), record.last_accepted
    if not is_unused_since(vendor, record.provider_id, record.created_at, since, accepted_at=accepted):
        raise Unfinished(
            f"the consumers of {record.name} are not declared, so its old token could not be revoked: not started",
            hint=f"tokenguard edit {record.name} --deliver TARGET (or --no-consumers), or rotate with --accept-outage",
        )


def _open(
    context: Context,
    token: TokenId,
    version: int,
    document: Document,
    mode: Mode,
    *,
    live: Live | None,
    reason: str,
    outage: bool = False,
    approved: Detail | None = None,
    accepted: bool = False,
) -> TokenSession:
    now, record = context.clock.now(), document.record
    journal = Journal(
        id=new_operation_id(),
        mode=mode,
        stage=Stage.OPEN,
        epoch=1,
        holder=context.holder,
        opened_at=now,
        updated_at=now,
        reason=reason,
        old=_frozen(record, live, now if accepted else record.accepted_at) if live else None,
        vacant_version=document.journal.vacant_version if document.journal and not live else 0,
        accept_outage=outage,
    )
    event = Event(
        at=now,
        op=Op.OPEN,
        phase=Phase.FACT,
        actor=context.store.actor(),
        name=record.name,
        rotation=journal.id,
        detail={**_opening_detail(journal), **(approved or {})},
    )
    try:
        snapshot = context.store.commit(token, version, replace(document, journal=journal), [event])
    except RotatedByOthers:
        raise
    except Conflict:
        raise Conflict(
            f"{record.name} was changed by another writer at the same time",
            hint=f"check it with tokenguard show {record.name}, then try again",
        ) from None
    if mode not in {Mode.ADD, Mode.ISSUE}:
        context.progress.step(f"{record.name}: {mode.words} begun")
    return TokenSession(context, snapshot)


def _opening_detail(journal: Journal) -> Detail:
    detail: Detail = {"mode": journal.mode.value}
    if journal.reason:
        detail["reason"] = journal.reason
    if journal.accept_outage:
        detail["accept_outage"] = True
    if journal.old is not None and journal.old.created_at is not None:
        detail["made"] = journal.old.created_at.isoformat()  # the record's date is replaced with the value
    return detail


def _frozen(record: Record, live: Live, accepted_at: datetime | None) -> OldValue:
    return OldValue(
        label=Label(live.label),
        live_version=live.version,
        fingerprint=record.fingerprint,
        provider_id=record.provider_id,
        hint=record.hint,
        provider_label=record.label,
        created_at=record.created_at,
        rotated_at=record.rotated_at,
        seen=record.seen,
        accepted_at=accepted_at,
        made_by=record.made_by,
        account=record.account,
        creator_recorded=record.creator_recorded,
    )


def _check_consumers(context: Context, record: Record) -> None:
    for consumer in record.consumers or ():
        delivery = context.deliveries.of(consumer)
        if delivery is not None:
            delivery.check(consumer)
        if command := record.command_after(consumer):
            context.deliveries.check_command(command)


def _accepts_now(context: Context, record: Record, live: Live, look: Observation | None) -> bool:
    """Whether the provider accepts the value that is to be revoked, if no acceptance is on record.

    A refusal of a value proves its death only if the provider accepted it before: it may not take such values at all.
    """
    provider = context.vendors.of(record).provider
    if record.last_accepted is not None or live.found is not FieldState.EXPECTED or not provider.capabilities.probe:
        return False
    look = look or provider.probe(live.value, record.scope)
    return look.verdict is Verdict.ALIVE


def _check_provider(context: Context, snapshot: Snapshot, mode: Mode, live: Live) -> Observation | None:
    """Check what the provider can do, and the token in use; returns the observation, if one was made."""
    record, look = snapshot.document.record, None
    vendor = context.vendors.of(record)
    able = vendor.provider.capabilities
    making = mode in {Mode.PLANNED, Mode.COMPROMISED}
    if mode is Mode.IN_PLACE:
        check_replaces(vendor.provider, record)
        issuer_of(vendor)
        context.progress.note("the replacement invalidates the old value: consumers fail until each has the new one")
    elif able.revoke is Method.NEVER:
        raise _cannot(vendor.provider, record)
    if making:
        _check_can_make(context, record)
    if mode.is_routine and able.probe:
        look = vendor.provider.probe(live.value, record.scope)
        if look.verdict is Verdict.UNKNOWN:
            raise Unreachable(
                f"{vendor.provider.name} gives no clear answer about the token in use ({look.explained})",
                hint=f"nothing was started; try later, or revoke it now: tokenguard rotate {record.name} --compromised",
            )
        if look.verdict is Verdict.DEAD:
            _say_refused(context, snapshot, live.value)
    if mode is Mode.PLANNED and not able.overlap:
        context.progress.note(f"{vendor.provider.name} allows one token at a time: expect a short outage")
    if vendor.issuer is not None and able.max_active is not None and mode is Mode.PLANNED:
        count = len(vendor.issuer.listed().rows)
        if count >= able.max_active:
            raise InputError(
                f"{vendor.provider.name} already has {pluralize(count, 'token')} of at most {able.max_active}",
                hint="retire one first, or use --compromised, which revokes the old token first",
            )
    return look


def _say_refused(context: Context, snapshot: Snapshot, value: Value) -> None:
    """Say what a refusal of the token in use means: with a control and each time, its consumers are down.

    Raises:
        Unreachable: the provider does not refuse it each time.
    """
    record = snapshot.document.record
    vendor = context.vendors.of(record)
    controls = ControlSearch(context.store, record, vendor, own=snapshot)
    sample = Sampler(vendor.provider, controls).take(value, [value])
    if sample.seen.verdict is not Verdict.DEAD:
        raise Unreachable(
            f"{vendor.provider.name} first refused the token in use, and then accepted it or gave no clear "
            f"answer ({sample.seen.explained})",
            hint=f"nothing was begun; try later, or revoke it now: tokenguard rotate {record.name} --compromised",
        )
    if record.last_accepted is None:
        context.progress.note(
            f"{vendor.provider.name} refuses the live token of {record.name} and has never accepted it, which does not "
            "prove that it is revoked"
        )
    elif sample.conclusive:
        context.progress.note(f"the live token of {record.name} is refused: consumers are down")
    else:
        context.progress.note(
            f"{vendor.provider.name} refuses the live token of {record.name}, and {sample.control.lack}"
        )


def _check_person(context: Context, record: Record, mode: Mode) -> None:
    """Refuse an unattended operation that needs a person; the operator port raises NeedsPerson with who and where.

    A compromise is opened all the same: it revokes what it can by API, and the unconfirmed revocation stays on record.

    Raises:
        NeedsPerson: nothing was begun.
    """
    if context.attended or not (mode.is_routine or mode in {Mode.ISSUE, Mode.RETIRE}):
        return
    vendor = context.vendors.of(record)
    provider, able = vendor.provider, vendor.provider.capabilities
    shown = vendor.by_value is not None and able.by_value.allows(leaked=record.live_leak is not None)
    if able.mint is Method.PERSON and mode not in {Mode.RETIRE, Mode.IN_PLACE}:
        context.operator.paste(create_task(provider, record, ""))
    if able.revoke is Method.PERSON and not shown and mode not in {Mode.ISSUE, Mode.IN_PLACE}:
        context.operator.done(revoke_task(provider, record, label=record.label, why=""))
    if mode is Mode.RETIRE:
        return  # nothing is delivered
    people = [consumer for consumer in record.consumers or () if consumer.kind is ConsumerKind.PERSON]
    if people:
        context.operator.done(delivery_task(record, people[0], mode))


def _check_can_make(context: Context, record: Record) -> None:
    vendor = context.vendors.of(record)
    able = vendor.provider.capabilities
    if able.mint is Method.NEVER:
        raise _cannot(vendor.provider, record)
    if able.mint is Method.API:
        issuer_of(vendor)


def check_replaces(provider: Provider, record: Record) -> None:
    """Refuse a provider that gives no new value in place; InputError."""
    if not provider.capabilities.replaces:
        raise InputError(
            f"{provider.name} cannot give {record.name} a new value in place",
            hint="leave out --in-place; if the policy asked for it, remove the provider from `in_place` there",
        )


def _cannot(provider: Provider, record: Record) -> InputError:
    return InputError(
        f"{provider.name} does not support this operation for {record.name}",
        hint=f"see the manual steps: tokenguard runbook {record.name}",
    )
