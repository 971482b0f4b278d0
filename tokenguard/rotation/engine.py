"""Drives a rotation: looks up the next effect for the journal's stage and runs it until the operation is done.

Every public method may be interrupted at any point; `resume` continues from the journal and converges.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.journal import AttemptState, Journal, Mode, Stage
from tokenguard.domain.liveness import DeathGrade, Observation, Verdict
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, Record, RecordState
from tokenguard.errors import (
    Conflict,
    InputError,
    NeedsPerson,
    NotProvenDead,
    Tampered,
    TokenguardError,
    Unfinished,
    Unreachable,
)
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.store import FieldState
from tokenguard.rotation import abort as aborting
from tokenguard.rotation import cleanup, create, handover, preconditions, publish, revoke
from tokenguard.rotation.alarm import refuse_marked_alive, reopen_marked
from tokenguard.rotation.batch import BatchResult
from tokenguard.rotation.keeping import accept_assertions, asserted, how_to_prove, unseen, why_no_proof
from tokenguard.rotation.machine import death_owed
from tokenguard.rotation.prompts import grant_task, revoke_task
from tokenguard.rotation.reprobe import reopen, reprobe
from tokenguard.rotation.session import Context, TokenSession, new_operation_id
from tokenguard.rotation.start import check_clock, open_existing, open_new, take_over
from tokenguard.rotation.value_in_use import value_in_use

_Effect = Callable[[TokenSession], None]


class Engine:
    """Runs operations on one token at a time. Returning means done; failures raise errors of `tokenguard.errors`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def add(self, record: Record, value: Value, *, seen: Observation | None, reason: str = "") -> Snapshot:
        """Store an existing value and deliver it to its consumers.

        Args:
            record: the token's record; its state may be `unclaimed`.
            value: the value, already validated.
            seen: the provider's latest observation; None if it was not probed.
            reason: the reason recorded in the audit trail.
        """
        unclaimed = record.state is RecordState.UNCLAIMED
        session = open_new(self._context, replace(record, seen=seen), Mode.ADD, reason=reason)
        create.take_given(session, value)
        verdict = seen.verdict.value if seen else "not-probed"
        state = RecordState.UNCLAIMED if unclaimed else RecordState.PENDING
        session.advance(session.event(Op.ACCEPT, verdict=verdict), record=replace(session.record, state=state))
        return self._run(session)

    def issue(self, record: Record, *, reason: str = "", approved: Detail | None = None) -> Snapshot:
        """Create a token's first value, by API or with a person; `approved` as in `open_new`."""
        return self._run(open_new(self._context, record, Mode.ISSUE, reason=reason, approved=approved))

    def deliver(self, token: TokenId, consumers: Sequence[Consumer], *, reason: str = "") -> Snapshot:
        """Deliver the live value to consumers declared after it was published. Idempotent.

        A rotation that begins meanwhile wins: the late delivery is then replaced by the value the store serves.
        """
        snapshot = self._context.store.load(token)
        name, journal = snapshot.document.record.name, snapshot.document.journal
        if snapshot.document.busy:
            raise Unfinished(f"an operation on {name} is open", hint=f"tokenguard rotate {name} --resume, or --abort")
        live = value_to_give(self._context.store, snapshot)
        if live is None or journal is None:
            raise InputError(f"the store holds no live value of {name}", hint=f"see its record: tokenguard show {name}")
        if live.found is not FieldState.EXPECTED:
            raise UnexpectedValue.at(snapshot.document.record.location.url)  # a foreign value is never delivered
        session = TokenSession(self._context, snapshot)
        handover.deliver_late(session, consumers, live.value, reason=reason)
        return session.snapshot

    def rotate(
        self,
        token: TokenId,
        *,
        compromised: bool = False,
        in_place: bool = False,
        reason: str = "",
        accept_outage: bool = False,
    ) -> Snapshot:
        """Replace the live value. Returns only if the old one is proven dead."""
        snapshot = self._context.store.load(token)
        planned = Mode.IN_PLACE if in_place else Mode.PLANNED
        mode = Mode.COMPROMISED if compromised else planned
        self._refuse_without_value(snapshot)
        return self._run(open_existing(self._context, snapshot, mode, reason=reason, accept_outage=accept_outage))

    def retire(self, token: TokenId, *, reason: str = "") -> Snapshot:
        """Revoke a token, prove it dead and keep a tombstone. A grant without a value ends on a person's statement."""
        snapshot = self._context.store.load(token)
        record = snapshot.document.record
        valueless = record.state is not RecordState.RETIRED and not snapshot.document.busy
        if valueless and value_in_use(self._context.store, snapshot) is None:
            return self._retire_without_value(snapshot, reason)
        return self._run(open_existing(self._context, snapshot, Mode.RETIRE, reason=reason))

    def resume(
        self, token: TokenId, *, accept_outage: bool = False, reason: str = "", from_living: bool = False
    ) -> Snapshot:
        """Continue the open operation from its current stage.

        If none is open, a token that is marked as alive is revoked again, or an assertion that the policy now accepts
        is recorded as accepted.

        Args:
            token: the token's id.
            accept_outage: whether the old token may be revoked although its consumers are not declared.
            reason: the reason recorded in the audit trail.
            from_living: whether to take over from a runner that is alive on this machine.
        """
        snapshot = self._context.store.load(token)
        if not snapshot.document.busy and not snapshot.document.accepted_again:
            return self._with_assertions_accepted(snapshot)
        try:
            session = (
                self._reopened(snapshot)
                if not snapshot.document.busy
                else take_over(
                    self._context, snapshot, accept_outage=accept_outage, reason=reason, from_living=from_living
                )
            )
        except TokenguardError as error:
            raise _escalate_to_not_proven_dead(snapshot, error) from None
        return self._run(session, resumed=True)

    def abort(self, token: TokenId, *, from_living: bool = False, reason: str = "") -> Snapshot:
        """Abort the open operation, if the old token has not been revoked; a compromise only with a reason."""
        snapshot = self._context.store.load(token)
        if not snapshot.document.busy:
            raise InputError(
                f"no operation on {snapshot.document.record.name} is open", hint="there is nothing to abort"
            )
        session = take_over(self._context, snapshot, from_living=from_living)
        aborting.begin_abort(session, reason=reason)
        return self._run(session)

    def reprobe(self, *tokens: TokenId, early: bool = False) -> Iterator[BatchResult]:
        """Probe quarantined values that are due again, in one death window for each provider and host.

        Yields a result for each value: its outcome is the grade of its death, None if the result is inconclusive; its
        error is `NotProvenDead` if the value is accepted again.
        """
        return reprobe(self._context, tokens, early=early)

    def reopen(self, token: TokenId, fingerprint: Fingerprint) -> None:
        """Reopen the revoke of a kept value that is accepted again; raises NotProvenDead if it is kept."""
        reopen(self._context, token, fingerprint)

    def _run(self, session: TokenSession, *, resumed: bool = False) -> Snapshot:
        try:
            if resumed:
                revoke.repeat_if_accepted(session)
                _settle_attempt(session)
            while not session.journal.stage.ended:
                _next_effect(session)(session)
        except TokenguardError as error:
            _record_blocker(session, error)
            _add_resume_line(session, error)
            raise _escalate_to_not_proven_dead(session.snapshot, error) from None
        _tell_refused(session.snapshot)
        refuse_marked_alive(session)
        refuse_assertion(session.snapshot)
        return session.snapshot

    def _reopened(self, snapshot: Snapshot) -> TokenSession:
        check_clock(self._context, snapshot.document)
        session = TokenSession(self._context, snapshot)
        reopen_marked(session)
        return session

    def _with_assertions_accepted(self, snapshot: Snapshot) -> Snapshot:
        journal = snapshot.document.journal
        if journal is None or not (snapshot.document.possibly_alive or (journal.proof and not journal.proof.proven)):
            return snapshot
        session = TokenSession(self._context, snapshot)
        accept_assertions(session)
        return session.snapshot

    def _refuse_without_value(self, snapshot: Snapshot) -> None:
        record = snapshot.document.record
        if not record.kind.has_value:
            raise InputError(
                f"{record.name} is an {record.kind.value} held by the vendor: there is no value to rotate",
                hint=f"renew it at the provider, then: tokenguard edit {record.name} --created YYYY-MM-DD",
            )

    def _retire_without_value(self, snapshot: Snapshot, reason: str) -> Snapshot:
        context, record = self._context, snapshot.document.record
        provider = context.vendors.of(record).provider
        task = (
            revoke_task(provider, record, label=record.label, why="it is being retired")
            if record.kind.has_value
            else grant_task(provider, record)
        )
        approved = context.authorise(snapshot, Mode.RETIRE)
        if not context.attended:
            context.operator.done(task)  # raises NeedsPerson, before anything is written
        intent = Event(
            at=context.clock.now(),
            op=Op.REVOKE,
            phase=Phase.INTENT,
            actor=context.store.actor(),
            name=record.name,
            detail={**({"reason": reason} if reason else {}), **approved},
        )
        snapshot = context.store.commit(snapshot.id, snapshot.version, snapshot.document, [intent])
        login = context.operator.creator(provider.name, None).account
        who = context.operator.done(task)
        if who is None:
            raise Unfinished(
                f"{record.name} is not revoked yet", hint=f"revoke it, then: tokenguard retire {record.name}"
            )
        event = Event(
            at=context.clock.now(),
            op=Op.DONE,
            actor=context.store.actor(),
            name=record.name,
            detail={"result": Mode.RETIRE.value, "by": who, **({"login": login} if login else {})},
        )
        now = context.clock.now()
        ended = Journal(
            id=new_operation_id(), mode=Mode.RETIRE, stage=Stage.DONE, epoch=1, holder=context.holder,
            opened_at=now, updated_at=now, reason=reason, revoked_at=now, revoked_by=who,
            proof=asserted(context, snapshot, unseen(now), who),
        )  # fmt: skip
        document = replace(snapshot.document, record=replace(record, state=RecordState.RETIRED), journal=ended)
        snapshot = context.store.commit(snapshot.id, snapshot.version, document, [event])
        refuse_assertion(snapshot)
        return snapshot


def _settle_attempt(session: TokenSession) -> None:
    """Resolve the intent of an earlier runner before continuing; a resumed run never acts on it directly."""
    if session.journal.stage is Stage.MINT:
        attempt = session.journal.attempts[-1]
        if attempt.state is AttemptState.INTENDED:
            create.reconcile(session)


def _next_effect(session: TokenSession) -> _Effect:
    """Return the effect that leads from the journal's stage to the next one."""
    journal = session.journal
    attempt = journal.attempt
    if attempt is not None and attempt.state is AttemptState.REJECTED and journal.stage is not Stage.ABORTING:
        return lambda held: cleanup.discard_attempt(held, held.journal.attempts[-1])
    making = {
        Mode.ADD: _needs_value_again,
        Mode.ISSUE: _create_anew,
        Mode.PLANNED: _create_anew,
    }
    after_open = making.get(journal.mode, preconditions.intend_revoke)
    after_revoked = _create_anew if journal.mode is Mode.COMPROMISED else revoke.prove
    in_place = journal.mode is Mode.IN_PLACE
    ends = {Mode.PLANNED: preconditions.intend_revoke, Mode.IN_PLACE: revoke.prove, Mode.COMPROMISED: revoke.prove}
    effects: dict[Stage, _Effect] = {
        Stage.OPEN: after_open,
        Stage.MINT: _create_anew,
        Stage.STORED: _create_anew if attempt and attempt.state is AttemptState.GONE else publish.accept,
        Stage.VERIFIED: publish.publish,
        Stage.PUBLISHED: handover.deliver_to_consumers,
        Stage.CONSUMED: ends.get(journal.mode, revoke.finish),
        Stage.REVOKE_INTENDED: _create_anew if in_place else revoke.revoke,
        Stage.REVOKED: after_revoked,
        Stage.DEAD: revoke.finish,
        Stage.ABORTING: aborting.undo,
    }
    return effects[journal.stage]


def _create_anew(session: TokenSession) -> None:
    create.check_creator_is_here(session)
    create.begin_attempt(session)
    create.create_value(session)


def _needs_value_again(session: TokenSession) -> None:
    raise Unfinished(
        f"adding {session.record.name} was interrupted before its value was stored",
        hint=f"tokenguard rotate {session.record.name} --abort, then add it again",
    )


def _record_blocker(session: TokenSession, error: TokenguardError) -> None:
    """Record the blocking error in the journal. Best effort: the store itself may be unavailable."""
    if isinstance(error, Tampered) or session.journal.stage.ended:
        return
    with suppress(TokenguardError):
        of_person = (Stage.REVOKED, Stage.MINT) if isinstance(error, NeedsPerson) else ()
        waits = {Stage.PUBLISHED, Stage.CONSUMED, *of_person}
        blocked = session.journal.stage in waits and not isinstance(error, NotProvenDead)
        if blocked and death_owed(session.journal):
            revoke.try_prove_dead(session)
        session.commit(session.event(Op.BLOCK, stage=session.journal.stage.value), waiting_for=error.message)


def _add_resume_line(session: TokenSession, error: TokenguardError) -> None:
    """End the hint of an `Unreachable` error with the command that resumes the operation, which stays open."""
    line = f"tokenguard rotate {session.record.name} --"
    if isinstance(error, Unreachable) and not isinstance(error, Conflict) and line not in error.hint:
        error.hint = f"{error.hint}; then: {line}resume"


def _escalate_to_not_proven_dead(snapshot: Snapshot, error: TokenguardError) -> TokenguardError:
    """Turn `error` into NotProvenDead (exit 5) while a revocation is unconfirmed."""
    record, journal = snapshot.document.record, snapshot.document.journal
    if isinstance(error, Tampered | NotProvenDead) or journal is None or not death_owed(journal):
        return error
    return NotProvenDead(
        f"the old {journal.mode.unit} of {record.name} is not proven dead: {error.message}", hint=error.hint
    )


def _tell_refused(snapshot: Snapshot) -> None:
    """Raise Unreachable (exit 4) if the operation has ended and the provider refuses what the store serves now."""
    record, journal = snapshot.document.record, snapshot.document.journal
    makes = {Mode.ISSUE, Mode.PLANNED, Mode.IN_PLACE, Mode.COMPROMISED}
    if journal is None or journal.mode not in makes or record.seen is None:
        return
    if record.seen.verdict is Verdict.DEAD and record.seen.at >= journal.opened_at:
        what = f"{record.name} is created" if journal.mode is Mode.ISSUE else f"the rotation of {record.name} has ended"
        raise Unreachable(
            f"{what}, but {record.provider} refuses the token in use: consumers fail",
            hint=f"replace it now: tokenguard rotate {record.name}",
        )


def refuse_assertion(snapshot: Snapshot) -> None:
    """Raise NotProvenDead (exit 5) if an end of the last operation is only asserted, unless the policy accepts it.

    That is the end of the old token, or of one that was made or may have been made to replace it.
    """
    record, journal = snapshot.document.record, snapshot.document.journal
    if journal is None or not journal.stage.ended:
        return
    how = "done" if journal.stage is Stage.DONE else "undone"
    proof = journal.proof if journal.stage is Stage.DONE else None
    if proof is not None and proof.grade is DeathGrade.ASSERTED and not proof.accepted:
        old = journal.old
        item = next((each for each in snapshot.document.quarantine if old and each.label == old.label), None)
        which = f"the old {journal.mode.unit}"
        why = why_no_proof(record, proof) if proof.control else "no control was available to prove it"
        raise NotProvenDead(
            f"{record.name} is {how}, but {which}'s revocation is {proof.words}: {why}",
            hint=how_to_prove(record, item),
        )
    kept = {cleanup.kept_label(attempt) for attempt in journal.attempts}
    said = [each for each in snapshot.document.possibly_alive if each.label in kept]
    if said:
        words = "; ".join(f"{each.provider_label} ({each.proof.words}, not proven)" for each in said)
        raise NotProvenDead(
            f"{record.name} is {how}, but a token that was created for it may be alive: {words}",
            hint=how_to_prove(record, said[0]),
        )
