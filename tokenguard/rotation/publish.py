"""The new value: accepted by the provider, right scope, then published for the store's readers."""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import AttemptState, Mode
from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import Conflict, Tampered, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.provider import Method
from tokenguard.ports.store import FieldState
from tokenguard.rotation.cleanup import discard_attempt
from tokenguard.rotation.proof_of_death import control_search
from tokenguard.rotation.session import TokenSession

_TRIES = 4
_LONGEST_WAIT = 60.0
"""Seconds; a provider that asks for more is told of, and not waited for."""


def accept(session: TokenSession) -> None:
    """Probe the stored value: go on if it is alive and right, reject it if it is neither, stop if nobody knows."""
    attempt = session.journal.attempts[-1]
    value = new_value(session)
    if not session.provider.capabilities.probe:
        session.advance(session.event(Op.ACCEPT, label=attempt.label, verdict="not-probed"))
        return
    session.context.progress.waiting(f"asking {session.provider.name} whether it accepts the new token")
    look = _look(session, value)
    if look.verdict is Verdict.UNKNOWN:
        raise Unreachable(
            f"{session.provider.name} gave no clear answer about the new token ({look.explained})",
            hint="nothing is lost: the new token is stored, the old one still works; "
            f"later: tokenguard rotate {session.record.name} --resume",
        )
    control = control_search(session).look([value]) if look.verdict is Verdict.DEAD else None
    if control is not None and control.doubt and not control.holds:
        raise Unreachable(
            f"{session.provider.name} refuses the new token, and what it accepted before as well: it may be an outage",
            hint=f"nothing is lost: the new token is stored; later: tokenguard rotate {session.record.name} --resume",
        )
    if look.verdict is Verdict.DEAD or look.scope_verdict is ScopeVerdict.WRONG:
        reason = "wrong-scope" if look.verdict is Verdict.ALIVE else "not-accepted"
        session.update_attempt(
            session.event(Op.REJECT, label=attempt.label, reason=reason, scope=str(look.scope or "")),
            state=AttemptState.REJECTED,
            scope=look.scope,
            scope_name=look.scope_name,
        )
        session.context.progress.note(_rejection(session, look))
        if session.provider.capabilities.mint is Method.API or (control is not None and not control.holds):
            _stop_making(session)
        return
    session.advance(
        session.event(Op.ACCEPT, label=attempt.label, verdict=look.verdict.value, scope=look.scope_verdict.value),
        record=replace(session.record, seen=look),
    )
    session.context.progress.step(f"{session.provider.name} accepts the new token ({_scope_words(look)})")


def publish(session: TokenSession) -> None:
    """Let the store's readers have the new value, pinned to the version that was live when the operation opened."""
    store, token, attempt = session.context.store, session.snapshot.id, session.journal.attempts[-1]
    pinned = session.journal.old.live_version if session.journal.old else session.journal.vacant_version
    place = session.record.location.adopted
    session.commit(session.event(Op.PUBLISH, Phase.INTENT, label=attempt.label, to=place))
    live = store.read_live(token)
    if live is None or live.label != attempt.label or live.found is not FieldState.SAME:
        try:
            store.publish(token, attempt.label, pinned)
        except Conflict:
            raise Conflict(
                f"the live value of {session.record.name} was changed by somebody else since this began",
                hint="see who with `tokenguard audit log`; then `tokenguard rotate --abort`, and start again",
            ) from None
        live = store.read_live(token)
    if live is not None and live.found is not FieldState.SAME:
        raise UnexpectedValue.at(session.record.location.url)
    if live is None or live.label != attempt.label or live.value != new_value(session):
        raise Tampered(
            "the store does not serve what was just published", hint="run `tokenguard doctor`; nothing was revoked"
        )
    outcome = session.event(Op.PUBLISH, Phase.OUTCOME, label=attempt.label, to=place)
    session.advance(outcome, record=_with_new_value(session))
    session.context.progress.step(f"{place} holds the new token" if place else "the store serves the new token")


def new_value(session: TokenSession) -> Value:
    """The current attempt's value, from the store."""
    held = session.context.store.read_candidate(session.snapshot.id, session.journal.attempts[-1].label)
    if not isinstance(held, Value):
        raise Tampered("a value that was stored is gone", hint="run `tokenguard doctor`; then resume or abort")
    return held


def _look(session: TokenSession, value: Value) -> Observation:
    """Probe with patience for a token that is not active yet, and for answers that say nothing."""
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


def _with_new_value(session: TokenSession) -> Record:
    attempt, now = session.journal.attempts[-1], session.context.clock.now()
    record = session.record
    complete = record.state is not RecordState.UNCLAIMED or not record.missing
    given, first = session.journal.mode is Mode.ADD, not session.journal.mode.ends_a_value
    return replace(
        record,
        state=RecordState.ACTIVE if complete else RecordState.UNCLAIMED,
        fingerprint=attempt.fingerprint,
        provider_id=attempt.provider_id,
        hint=attempt.hint,
        label=record.label if given else attempt.label,
        # A replacement is dated when its operation ends: until then a revocation is owed, and the old date holds.
        created_at=now if first and not given else record.created_at,
        rotated_at=now if first and not given else record.rotated_at,
    )


def _stop_making(session: TokenSession) -> None:
    """An API that is asked again makes the same again; and without a control, a refusal may be an outage."""
    discard_attempt(session, session.journal.attempts[-1])
    raise Unfinished(
        f"what {session.provider.name} made for {session.record.name} was not accepted, and is ended",
        hint="check the scope on record and the admin credential (`rotate --abort`, then `edit`); "
        f"tokenguard rotate {session.record.name} --resume has another one made",
    )


def _rejection(session: TokenSession, look: Observation) -> str:
    if look.verdict is Verdict.DEAD:
        return f"{session.provider.name} does not accept the new token ({look.reason})"
    found = f"to {look.scope}" if look.scope else "elsewhere"
    return f"the new token leads {found}, not to {session.record.scope}: it was made for the wrong place"


def _scope_words(look: Observation) -> str:
    if look.scope_verdict is ScopeVerdict.RIGHT:
        return f"it leads to {look.scope}"
    return "where it leads could not be verified"
