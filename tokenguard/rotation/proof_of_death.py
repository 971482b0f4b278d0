"""Proves a token dead: explicit 401 responses over the provider's whole death window, with a control in it.

Timeouts and errors are unknown and neither count nor reset the series; one acceptance resets it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof, DeathWindow, Observation, Verdict
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Provider
from tokenguard.rotation.control_search import ControlResult, ControlSearch
from tokenguard.rotation.session import TokenSession

_FIRST_BACKOFF = 1.0
_MAX_BACKOFF = 60.0


class RefusalSeries:
    """Counts the refusals of one value, separately with a control and where no control exists."""

    def __init__(self, clock: Clock, window: DeathWindow) -> None:
        self._clock = clock
        self._window = window
        self._times: dict[bool, list[datetime]] = {True: [], False: []}
        self._started: dict[bool, float] = {}
        self._by = DeathControl.NONE

    def refused(self, at: datetime, control: ControlResult) -> DeathProof | None:
        """Count one refusal; returns the proof once the window is full, graded `unproven` if no control exists."""
        if control.doubt and not control.holds:
            return None
        held, now = control.holds, self._clock.monotonic()
        self._by = control.by if held else self._by
        self._started.setdefault(held, now)
        times = self._times[held]
        times.append(at)
        # The monotonic clock decides the length: a wall clock may jump.
        long = now - self._started[held] >= self._window.length.total_seconds()
        if len(times) < self._window.samples or not long:
            return None
        return DeathProof(
            grade=DeathGrade.PROVISIONAL if held else DeathGrade.UNPROVEN,
            first_at=times[0],
            last_at=times[-1],
            samples=len(times),
            control=held,
            controlled_by=self._by if held else DeathControl.NONE,
        )

    def broken(self) -> None:
        """Reset the series after an acceptance."""
        self._times = {True: [], False: []}
        self._started.clear()

    @property
    def count(self) -> int:
        """The number of refusals counted so far."""
        return max(map(len, self._times.values()))


class Prober:
    """Probes values in rounds; in every second round a refused one twice, and both answers are one sample.

    Where two servers answer in turn, a value and its control in each round would otherwise always meet the same two.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._round = 0

    def next_round(self) -> None:
        """Begin the next round."""
        self._round += 1

    def look(self, value: Value) -> Observation:
        """Probe a value; the second answer counts where it is asked for."""
        first = self._provider.probe(value, None)
        again = first.verdict is Verdict.DEAD and self._round % 2 == 0
        return self._provider.probe(value, None) if again else first


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
    which: str = "old token",
) -> DeathProof | None:
    """Probe `value` until it was refused over a whole death window, for at most `windows` windows.

    Returns a `provisional` proof; an `unproven` one if no control exists; None if undecided: the value is accepted,
    the answers are unclear, or the control is refused as well.

    Args:
        session: the session that holds the token; provides provider, clock and progress.
        value: the revoked value.
        provider_id: its id at the provider, if known; a list that names it contradicts its death.
        besides: other values that are said to be dead; they are no control, and their refusal no sign of an outage.
        windows: the time limit, as a multiple of the provider's death window.
        which: what to call it on the screen.
    """
    clock, window = session.context.clock, session.provider.capabilities.death_window
    pause = pause_of(window)
    deadline = clock.monotonic() + window.length.total_seconds() * windows
    series, controls, prober = RefusalSeries(clock, window), control_search(session), Prober(session.provider)
    backoff = min(_FIRST_BACKOFF, pause)
    while True:
        prober.next_round()
        look, control = prober.look(value), ControlResult()
        wait = pause
        if look.verdict is Verdict.DEAD:
            control = controls.look([value, *besides]).about(provider_id)
            if (proof := series.refused(look.at, control)) is not None:
                control = controls.with_list(control).about(provider_id)
                if control.holds or not proof.proven:
                    return proof
        elif look.verdict is Verdict.UNKNOWN:
            wait = look.retry_after or backoff
            backoff = min(backoff * 2, _MAX_BACKOFF)
        else:
            series.broken()
        if clock.monotonic() + wait > deadline + pause:
            if look.retry_after:
                session.context.progress.note(f"no clear answer about the {which} ({look.explained})")
            if control.contradicted:
                session.context.progress.note(f"{session.provider.name} refuses the {which} but still lists it")
            return None
        session.context.progress.waiting(
            _why_waiting(which, look, control, f"{series.count} of {window.samples}", wait)
        )
        clock.sleep(wait)


def still_accepted(session: TokenSession, value: Value) -> bool:
    """Whether the provider still accepts `value` after a whole death window (a revoke may take effect late)."""
    clock, window = session.context.clock, session.provider.capabilities.death_window
    pause = pause_of(window)
    deadline = clock.monotonic() + window.length.total_seconds()
    while session.provider.probe(value, None).verdict is Verdict.ALIVE:
        if clock.monotonic() >= deadline:
            return True
        session.context.progress.waiting(f"the provider still accepts it; checking again in {pause:.3g} s")
        clock.sleep(pause)
    return False


def pause_of(window: DeathWindow) -> float:
    """Return the seconds between two samples so that the minimum number of them fills the window."""
    return (window.length / max(window.samples - 1, 1)) / timedelta(seconds=1)


def old_value(session: TokenSession) -> Value:
    """Return the value to be revoked, by the label frozen when the operation opened."""
    old = session.journal.old
    held = session.context.store.read_candidate(session.snapshot.id, old.label) if old else None
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


def _why_waiting(which: str, look: Observation, control: ControlResult, counted: str, wait: float) -> str:
    again = f"checking again in {wait:.3g} s"
    if look.verdict is Verdict.ALIVE:
        return f"the provider still accepts the {which} ({look.reason}); {again}"
    if look.verdict is Verdict.UNKNOWN:
        return f"no clear answer ({look.reason}); {again}"
    if control.contradicted:
        return f"the provider refuses the {which} but still lists it; {again}"
    if control.doubt and not control.holds:
        return f"the provider also refuses credentials that it accepted before, so this may be an outage; {again}"
    return f"the {which} was refused {counted} times; the provider may lag, {again}"
