"""Proves a token dead: explicit 401 responses over the provider's whole death window, with a control in it.

Timeouts and errors are unknown and neither count nor reset the series. A refused control resets it; one acceptance of
the value resets it and doubles the window.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof, DeathWindow, Observation, Verdict
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError, NotProvenDead
from tokenguard.ports.clock import CLOCK_SLACK, Clock
from tokenguard.rotation.control_search import ControlResult, ControlSearch
from tokenguard.rotation.sampling import DECISIVE, FIRST, LATER, Sampler
from tokenguard.rotation.session import TokenSession
from tokenguard.rotation.slot_value import slot_value

_FIRST_BACKOFF = 1.0
_MAX_BACKOFF = 60.0
_UNEVEN, _GOLDEN = 0.1, 0.618


class RefusalSeries:
    """Counts the samples of one value that were refusals, separately with a control and where no control exists.

    Args:
        clock: measures the window.
        window: the provider's death window.
        longer: whether the window is to be twice as long, because the value was accepted after its revoke.
    """

    def __init__(self, clock: Clock, window: DeathWindow, *, longer: bool = False) -> None:
        self._clock = clock
        self._window = window
        self._longer = longer
        self._pauses = 0
        self._decides = False
        self._times: dict[bool, list[datetime]] = {True: [], False: []}
        self._started: dict[bool, float] = {}
        self._by = DeathControl.NONE

    @property
    def count(self) -> int:
        """The number of samples counted so far."""
        return max(map(len, self._times.values()))

    @property
    def needed(self) -> int:
        """The number of samples that fill the window."""
        return self._window.samples * 2 - 1 if self._longer else self._window.samples

    @property
    def length(self) -> float:
        """The length of the window in seconds."""
        return self._window.length.total_seconds() * (2 if self._longer else 1)

    def turns(self) -> str:
        """Return the sequence of probes of the next sample; only one that follows DECISIVE completes the window."""
        now, full = self._clock.monotonic(), self.count + 1 >= self.needed
        self._decides = full and now - min(self._started.values(), default=now) >= self.length
        return DECISIVE if self._decides else LATER if self.count else FIRST

    def pause(self) -> float:
        """Return the seconds to the next sample: never twice the same, as others may ask in a rhythm of their own."""
        self._pauses += 1
        return pause_of(self._window) * (1 + _UNEVEN * (self._pauses * _GOLDEN % 1))

    def refused(self, at: datetime, control: ControlResult) -> DeathProof | None:
        """Count one sample; returns the proof once the window is full, graded `unproven` if no control exists.

        A refused control restarts the count: nothing from the same outage may count.
        """
        if control.doubt and not control.holds:
            if control.refused:
                self._restart()
            return None
        held, now = control.holds, self._clock.monotonic()
        self._by = control.by if held else self._by
        self._started.setdefault(held, now)
        times = self._times[held]
        times.append(at)
        # The monotonic clock decides the length: a wall clock may jump.
        long = now - self._started[held] >= self.length
        if not self._decides or len(times) < self.needed or not long:
            return None
        return DeathProof(
            grade=DeathGrade.PROVISIONAL if held else DeathGrade.UNPROVEN,
            first_at=times[0],
            last_at=times[-1],
            samples=len(times),
            control=held,
            controlled_by=self._by if held else DeathControl.NONE,
        )

    def accepted(self) -> None:
        """Restart the count after an acceptance; from then on the window is twice as long."""
        self._longer = True
        self._restart()

    def _restart(self) -> None:
        self._times = {True: [], False: []}
        self._started.clear()


def control_search(session: TokenSession) -> ControlSearch:
    """Return a search for controls at the session's provider; the token's own live value is tried first."""
    return ControlSearch(session.context.store, session.record, session.vendor, own=session.snapshot)


def prove_dead(
    session: TokenSession,
    value: Value,
    *,
    provider_id: str = "",
    besides: Collection[Value] = (),
    windows: float = 4,
    which: str = "",
) -> DeathProof | None:
    """Probe `value` until it was refused over a whole death window, for at most `windows` windows.

    Returns a `provisional` proof; an `unproven` one if no control exists; None if undecided: the value is accepted,
    the answers are unclear, or the control is refused as well.

    Args:
        session: the session that holds the token; provides provider, clock and progress.
        value: the revoked value.
        provider_id: its id at the provider, if known; a list that names it contradicts its death.
        besides: other values that are said to be dead; they are not controls, and their refusal no sign of an outage.
        windows: the time limit, as a multiple of the provider's death window.
        which: what to call it on the screen; by default what the operation ends.
    """
    clock, window, which = session.context.clock, session.provider.capabilities.death_window, which or session.old
    series = RefusalSeries(clock, window, longer=value in session.accepted_late)
    controls, waited = control_search(session), 0.0  # the time that requests take is not counted: limits may delay them
    sampler, backoff = Sampler(session.provider, controls), min(_FIRST_BACKOFF, pause_of(window))
    while True:
        sample = sampler.take(value, [value, *besides], series.turns())
        look, control, wait = sample.seen, sample.control.about(provider_id), series.pause()
        if look.verdict is Verdict.DEAD:
            if (proof := series.refused(look.at, control)) is not None:
                control = controls.with_list(control).about(provider_id)
                if control.holds or not proof.proven:
                    return proof
        elif look.verdict is Verdict.UNKNOWN:
            wait = look.retry_after or backoff
            backoff = min(backoff * 2, _MAX_BACKOFF)
        else:
            series.accepted()
            session.accepted_late.append(value)
        limit = window.length.total_seconds() * windows + (series.length - window.length.total_seconds())
        waited += wait
        if waited > limit + pause_of(window):
            _say_undecided(session, which, look, control)
            return None
        session.context.progress.waiting(_why_waiting(which, look, control, f"{series.count} of {series.needed}", wait))
        clock.sleep(wait)


def still_accepted(session: TokenSession, value: Value) -> bool:
    """Whether the provider still accepts `value` after a whole death window (a revoke may take effect late)."""
    clock, window = session.context.clock, session.provider.capabilities.death_window
    pause = pause_of(window)
    deadline = clock.monotonic() + window.length.total_seconds()
    while session.provider.probe(value, None).verdict is Verdict.ALIVE:
        if clock.monotonic() >= deadline:
            return True
        session.accepted_late.append(value)
        session.context.progress.waiting(f"the provider still accepts it; checking again in {pause:.3g} s")
        clock.sleep(pause)
    return False


def wait_for_revoke(session: TokenSession, said: datetime | None) -> None:
    """Wait until a revoke must have taken effect: before, a list that lacks the token says nothing of its value."""
    if said is None:
        return
    lag, clock = session.provider.capabilities.revoke_lag, session.context.clock
    # said by another clock, perhaps, or by this one before it was set
    left = min(said + lag + CLOCK_SLACK - clock.now(), lag).total_seconds()
    if left > 0:
        session.context.progress.waiting(f"{session.provider.name} may revoke it late; waiting {left:.3g} s")
        clock.sleep(left)


def refused_with_control(session: TokenSession, value: Value) -> bool:
    """Whether the provider refuses `value` each time it is asked now, and accepts a control each time."""
    return Sampler(session.provider, control_search(session)).take(value, [value]).conclusive


def pause_of(window: DeathWindow) -> float:
    """Return the seconds between two samples so that the minimum number of them fills the window."""
    return (window.length / max(window.samples - 1, 1)) / timedelta(seconds=1)


def old_value(session: TokenSession) -> Value:
    """Return the value to be revoked, by the label frozen when the operation opened; Tampered if it is another."""
    old = session.journal.old
    held = slot_value(session.context.store, session.snapshot, old.label, old.fingerprint) if old else None
    if not isinstance(held, Value):
        raise InputError(
            f"the old value of {session.record.name} is no longer in the store, so its revocation cannot be verified",
            hint="check the provider's own list by hand",
        )
    return held


def outage_suspected(session: TokenSession, values: Collection[Value]) -> bool:
    """Whether credentials other than `values` that were accepted before are refused now."""
    control = control_search(session).look(values)
    return control.doubt and not control.holds


def _say_undecided(session: TokenSession, which: str, look: Observation, control: ControlResult) -> None:
    if look.verdict is Verdict.UNKNOWN:
        session.context.progress.note(f"no clear answer about the {which} ({look.explained})")
    elif look.verdict is Verdict.DEAD and control.doubt and not control.contradicted:
        session.context.progress.note(f"{session.provider.name} refuses the {which}, and {control.lack}")
    if control.contradicted:
        session.context.progress.note(f"{session.provider.name} refuses the {which} but still lists it")


def others_refused(session: TokenSession, values: Collection[Value]) -> bool:
    """Whether credentials other than `values` are refused now that were accepted before; an unclear answer is none."""
    return control_search(session).look(values).refused


def unproven(session: TokenSession, value: Value) -> NotProvenDead:
    """Return the error for an old token whose death could not be proven now."""
    name, provider = session.record.name, session.provider
    if others_refused(session, [value]):
        return NotProvenDead(
            f"{provider.name} also refuses a credential that it accepted before, so the {session.old} of "
            f"{name} is not proven dead",
            hint=f"in an outage wait, then: tokenguard rotate {name} --resume; if those were revoked too, first "
            "`tokenguard rotate` or `retire` them, or `tokenguard add` another live token of this provider",
        )
    return NotProvenDead(
        f"the {session.old} of {name} is not proven dead",
        hint=f"assume that it still works; check again: tokenguard rotate {name} --resume",
    )


def was_accepted(session: TokenSession) -> bool:
    """Whether the provider accepted the old value once; otherwise it may refuse all such values, dead or alive."""
    old = session.journal.old
    return old is not None and (old.accepted or old_value(session) in session.accepted_late)


def _why_waiting(which: str, look: Observation, control: ControlResult, counted: str, wait: float) -> str:
    again = f"checking again in {wait:.3g} s"
    if look.verdict is Verdict.ALIVE:
        return f"the provider still accepts the {which} ({look.reason}); {again}"
    if look.verdict is Verdict.UNKNOWN:
        return f"no clear answer ({look.reason}); {again}"
    if control.contradicted:
        return f"the provider refuses the {which} but still lists it; {again}"
    if control.doubt and not control.holds:
        return f"the provider {control.lack}; {again}"
    return f"the {which} was refused {counted} times; the provider may lag, {again}"
