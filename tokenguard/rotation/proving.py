"""Proof of death: explicit 401s over the provider's whole window, with a live token accepted in the same window.

Unknown is neither dead nor alive, so it neither counts nor breaks the series; one acceptance breaks it. Without the
positive control, an outage that answers 401 to everybody would "prove" every death.
"""

from contextlib import suppress
from datetime import datetime

from tokenguard.domain.liveness import DeathGrade, DeathProof, Observation, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import InputError, Unreachable
from tokenguard.rotation.session import Session

_FIRST_BACKOFF = 1.0
_MAX_BACKOFF = 60.0


def prove_dead(session: Session, value: Value, *, control: Value | None, windows: float = 4) -> DeathProof | None:
    """Probe `value` until it is proven dead, or for `windows` death windows; None if it could not be proven.

    Args:
        session: the hold on the token; gives provider, clock and progress.
        value: the value that should be dead.
        control: a value that should be alive; None if there is none, which the proof then says.
        windows: patience, as a multiple of the provider's death window.
    """
    clock, window = session.context.clock, session.provider.capabilities.death_window
    pause = window.length.total_seconds() / max(window.samples - 1, 1)
    deadline = clock.monotonic() + window.length.total_seconds() * windows
    times: list[datetime] = []
    started = 0.0
    backoff = min(_FIRST_BACKOFF, pause)
    while True:
        look = session.provider.probe(value, None)
        wait = pause
        if look.verdict is Verdict.DEAD and _control_holds(session, control):
            if not times:
                started = clock.monotonic()
            times.append(look.at)
            # The monotonic clock decides the length: a wall clock may jump.
            if len(times) >= window.samples and clock.monotonic() - started >= window.length.total_seconds():
                return _proof(times, control=control is not None)
        elif look.verdict is Verdict.UNKNOWN:
            wait = look.retry_after or backoff
            backoff = min(backoff * 2, _MAX_BACKOFF)
        else:
            times.clear()
        if clock.monotonic() + wait > deadline + pause:
            return None
        session.context.progress.waiting(_why_waiting(look, len(times), window.samples, wait))
        clock.sleep(wait)


def still_accepted(session: Session, value: Value) -> bool:
    """Whether the provider goes on accepting `value` for a whole death window (it may lag behind a revoke)."""
    clock, window = session.context.clock, session.provider.capabilities.death_window
    pause = window.length.total_seconds() / max(window.samples - 1, 1)
    deadline = clock.monotonic() + window.length.total_seconds()
    while session.provider.probe(value, None).verdict is Verdict.ALIVE:
        if clock.monotonic() >= deadline:
            return True
        session.context.progress.waiting(f"the provider still accepts it; looking again in {pause:.3g} s")
        clock.sleep(pause)
    return False


def find_control(session: Session, dying: Label) -> Value | None:
    """A value that should be alive at the same provider: the token's own live one, unless `dying` is, else another's.

    A new one that is refused is the last resort: a person may have revoked it by mistake, but it may be an outage.
    """
    store = session.context.store
    live = store.read_live(session.snapshot.id)
    own = live.value if live is not None and live.label != dying else None
    if own is not None and _accepted(session, own):
        return own
    for other in store.scan():
        record = other.document.record
        same = (record.provider, record.base_url) == (session.record.provider, session.record.base_url)
        if not same or other.id == session.snapshot.id or record.state is not RecordState.ACTIVE:
            continue
        with suppress(Unreachable, InputError):  # a value that cannot be had proves nothing, and hinders nothing
            held = store.read_live(other.id)
            if held is not None and _accepted(session, held.value):
                return held.value
    return own


def old_value(session: Session) -> Value:
    """The value that is to die, by the label frozen when the operation opened."""
    old = session.journal.old
    held = session.context.store.read_candidate(session.snapshot.id, old.label) if old else None
    if not isinstance(held, Value):
        raise InputError(
            f"the old value of {session.record.name} is no longer in the store, so its death cannot be probed",
            hint="check the provider's own list by hand",
        )
    return held


def _accepted(session: Session, value: Value) -> bool:
    return session.provider.probe(value, None).verdict is Verdict.ALIVE


def _control_holds(session: Session, control: Value | None) -> bool:
    if control is None or _accepted(session, control):
        return True
    session.context.progress.waiting(
        f"{session.provider.name} also refuses a token that should be alive: this looks like an outage, not a death"
    )
    return False


def _why_waiting(look: Observation, seen: int, needed: int, wait: float) -> str:
    if look.verdict is Verdict.ALIVE:
        return f"the provider still accepts the old token ({look.reason}); looking again in {wait:.3g} s"
    if look.verdict is Verdict.UNKNOWN:
        return f"no clear answer ({look.reason}), which proves nothing; looking again in {wait:.3g} s"
    return f"the old token was refused {seen} of {needed} times; the provider may lag, looking again in {wait:.3g} s"


def _proof(times: list[datetime], *, control: bool) -> DeathProof:
    return DeathProof(
        grade=DeathGrade.PROVISIONAL, first_at=times[0], last_at=times[-1], samples=len(times), control=control
    )
