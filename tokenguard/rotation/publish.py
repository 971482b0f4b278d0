"""Verifies the new value (accepted by the provider, expected scope), then publishes it in the store."""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import AttemptState, Mode
from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import Conflict, Tampered, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.store import FieldState
from tokenguard.rotation.cleanup import discard_attempt
from tokenguard.rotation.in_place import end_of_new, is_in_place, makes_by_api
from tokenguard.rotation.proof_of_death import control_search
from tokenguard.rotation.sampling import Sample, Sampler
from tokenguard.rotation.session import TokenSession
from tokenguard.rotation.slot_value import slot_value

_TRIES = 4
_LONGEST_WAIT = 60.0
"""Seconds; a longer wait requested by a provider is reported and not waited for."""


def accept(session: TokenSession) -> None:
    """Probe the stored value: continue if it is alive with the expected scope, reject it if not, stop if unknown."""
    attempt = session.journal.attempts[-1]
    value = new_value(session)
    if not session.provider.capabilities.probe:
        session.advance(session.event(Op.ACCEPT, label=attempt.label, verdict="not-probed"))
        return
    session.context.progress.waiting(f"asking {session.provider.name} whether it accepts the {session.new}")
    look = _look(session, value)
    if look.verdict is Verdict.UNKNOWN:
        raise Unreachable(
            f"{session.provider.name} gave no clear answer about the {session.new} ({look.explained})",
            hint=f"the {session.new} is stored{_old_works(session)}; "
            f"try later: tokenguard rotate {session.record.name} --resume",
        )
    control = None
    if look.verdict is Verdict.DEAD:
        control = _refused(session, value).control
    if control is not None and control.doubt and not control.holds:
        raise Unreachable(
            f"{session.provider.name} refuses the {session.new}, and {control.lack}",
            hint=f"the {session.new} is stored; try later: tokenguard rotate {session.record.name} --resume",
        )
    if look.verdict is Verdict.DEAD or look.scope_verdict is ScopeVerdict.WRONG:
        reason = "wrong-scope" if look.verdict is Verdict.ALIVE else "not-accepted"
        session.update_attempt(
            session.event(Op.REJECT, label=attempt.label, reason=reason, scope=str(look.scope or "")),
            state=AttemptState.REJECTED,
            scope=look.scope,
            scope_name=look.scope_name,
            accepted=look.verdict is Verdict.ALIVE,
        )
        session.context.progress.note(_rejection(session, look))
        if makes_by_api(session) or (control is not None and not control.holds):
            _stop_making(session)
        return
    session.advance(
        session.event(Op.ACCEPT, label=attempt.label, verdict=look.verdict.value, scope=look.scope_verdict.value),
        record=session.record.with_look(look),
        attempts=session.attempts_with(accepted=True),
    )
    session.context.progress.step(f"{session.provider.name} accepts the {session.new} ({_scope_words(look)})")


def publish(session: TokenSession) -> None:
    """Publish the new value in the store, by compare-and-set on the version that was live when the operation opened."""
    store, token, attempt = session.context.store, session.snapshot.id, session.journal.attempts[-1]
    pinned = session.journal.old.live_version if session.journal.old else session.journal.vacant_version
    place = session.record.location.adopted
    session.commit(session.event(Op.PUBLISH, Phase.INTENT, label=attempt.label, to=place))
    live = store.read_live(token)
    if live is None or live.label != attempt.label or live.found is not FieldState.EXPECTED or live.ending:
        try:
            store.publish(token, attempt.label, pinned)
        except Conflict:
            session.check_held()  # another runner, or a store that was put back, is told as that
            raise Conflict(
                f"the live value of {session.record.name} was changed by another writer since the operation began",
                hint=f"find it with `tokenguard audit log`, then: tokenguard rotate {session.record.name} --abort, "
                "and start again",
            ) from None
        live = store.read_live(token)
    if live is not None and live.found is not FieldState.EXPECTED:
        raise UnexpectedValue.at(session.record.location.url)
    if live is None or live.label != attempt.label or live.value != new_value(session):
        raise Tampered(
            "the store does not serve what was just published", hint="run `tokenguard doctor`; nothing was revoked"
        )
    outcome = session.event(Op.PUBLISH, Phase.OUTCOME, label=attempt.label, to=place)
    session.advance(outcome, record=_with_new_value(session))
    session.context.progress.step(
        f"{place} holds the {session.new}" if place else f"the store serves the {session.new}"
    )


def new_value(session: TokenSession) -> Value:
    """Return the current attempt's value from the store; Tampered if it is another."""
    attempt = session.journal.attempts[-1]
    held = slot_value(session.context.store, session.snapshot, attempt.label, attempt.fingerprint)
    if not isinstance(held, Value):
        raise Tampered("a stored value is missing", hint="run `tokenguard doctor`, then resume or abort")
    return held


def _look(session: TokenSession, value: Value) -> Observation:
    """Probe the value; retries while the token may not be active yet and after unclear answers."""
    clock, lag = session.context.clock, session.provider.capabilities.activate_lag.total_seconds()
    started, tries = clock.monotonic(), 0
    while True:
        look = session.provider.probe(value, session.record.scope)
        tries += 1
        if look.verdict is Verdict.ALIVE:
            return look
        waited = clock.monotonic() - started
        if look.verdict is Verdict.DEAD and waited >= lag:
            return look
        if look.verdict is Verdict.UNKNOWN and (tries >= _TRIES or (look.retry_after or 0) > _LONGEST_WAIT):
            return look
        wait = look.retry_after or min(2.0 ** (tries - 1), _LONGEST_WAIT)
        if look.verdict is Verdict.DEAD:
            wait = min(wait, max(lag - waited, 0.05))
        session.context.progress.waiting(f"not accepted yet ({look.reason}); asking again in {wait:.3g} s")
        clock.sleep(wait)


def _refused(session: TokenSession, value: Value) -> Sample:
    """Return the sample that a refusal of the new value begins with.

    Raises:
        Unreachable: the provider does not refuse it each time.
    """
    sample = Sampler(session.provider, control_search(session)).take(value, [value])
    if sample.seen.verdict is not Verdict.DEAD:
        raise Unreachable(
            f"{session.provider.name} first refused the {session.new}, and then accepted it or gave no clear "
            f"answer ({sample.seen.explained})",
            hint=f"the {session.new} is stored; try later: tokenguard rotate {session.record.name} --resume",
        )
    return sample


def _with_new_value(session: TokenSession) -> Record:
    attempt, now = session.journal.attempts[-1], session.context.clock.now()
    record = session.record
    complete = record.state is not RecordState.UNCLAIMED or not record.missing
    given, first = session.journal.mode is Mode.ADD, not session.journal.mode.ends_a_value
    declared = session.journal.mode is Mode.ISSUE and bool(record.made_by)
    if attempt.made_by and not declared:
        record = replace(record, made_by=attempt.made_by, account=attempt.account, creator_recorded=True)
    return replace(
        record,
        state=RecordState.ACTIVE if complete else RecordState.UNCLAIMED,
        fingerprint=attempt.fingerprint,
        provider_id=attempt.provider_id,
        hint=attempt.hint,
        label=record.label if given or is_in_place(session) else attempt.label,
        accepted_at=None,  # that was the value before
        # A replacement is dated when its operation ends; until the old token is revoked its date applies.
        created_at=now if first and not given else record.created_at,
        rotated_at=now if first and not given else record.rotated_at,
        ends_at=end_of_new(session, now) if first and not given else record.ends_at,
    )


def _stop_making(session: TokenSession) -> None:
    """Stop after a rejection that a retry would repeat, or that may be an outage because there is no control."""
    discard_attempt(session, session.journal.attempts[-1])
    if is_in_place(session):
        raise Unfinished(
            f"{session.provider.name} does not accept the value that it gave {session.record.name}",
            hint="correct the recorded scope with `tokenguard edit` if it is wrong, then get another value: "
            f"tokenguard rotate {session.record.name} --resume",
        )
    raise Unfinished(
        f"{session.provider.name} does not accept the token it created for {session.record.name}; it is revoked",
        hint="correct the recorded scope or the admin credential (`rotate --abort`, then `edit`), "
        f"or create another one: tokenguard rotate {session.record.name} --resume",
    )


def _rejection(session: TokenSession, look: Observation) -> str:
    if look.verdict is Verdict.DEAD:
        return f"{session.provider.name} does not accept the {session.new} ({look.reason})"
    found = str(look.scope) if look.scope else "another scope"
    made = "" if is_in_place(session) else ": it was created in the wrong place"
    return f"the {session.new} belongs to {found}, not to {session.record.scope}{made}"


def _old_works(session: TokenSession) -> str:
    """What of the old token is known besides: it works only if its revocation comes last."""
    return " and the old one still works" if session.journal.mode is Mode.PLANNED else ""


def _scope_words(look: Observation) -> str:
    if look.scope_verdict is ScopeVerdict.RIGHT:
        return f"scope {look.scope}"
    return "scope not verified"
