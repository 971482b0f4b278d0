"""Asks about a value and its control in turns, so that each of several servers behind one address is asked about both.

Where servers answer in turn, or each request meets one at random, a few probes may all meet one that refuses, or knows
of the revoke, while the next one still accepts the value. So a sample is a fixed sequence of probes, and every one of
them must agree. In the last sample of a window the value and its control each meet every one of up to 8 servers that
answer in turn, wherever the turn begins.
"""

from collections.abc import Collection

from tokenguard.domain.document import Snapshot
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.errors import InputError, Unreachable
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Provider, Vendors
from tokenguard.ports.store import FieldState, Store
from tokenguard.rotation.control_search import ControlResult, ControlSearch

FIRST = "VC"
LATER = "VCVVCC"
DECISIVE = "VCVCVCVCVCVCVVCVCVCVCC"
"""The places of the value's probes, and those of its control's, have every remainder modulo 2, 3, … and 8."""
_TRIES = 2
_RETRY = 30.0
"""Seconds before a host that accepted no control is searched again, in a run over many tokens."""


class Sample(Frozen, frozen=True, kw_only=True):
    """The result of one sequence of probes."""

    seen: Observation
    """The last answer about the value: a refusal only if all of them were refusals."""
    control: ControlResult
    """Holds only if the control was accepted each time."""
    mixed: bool = False
    """The value was refused before the last answer."""

    @property
    def conclusive(self) -> bool:
        """Whether the value was refused each time, and its control accepted each time."""
        return self.seen.verdict is Verdict.DEAD and self.control.holds


class Sampler:
    """Takes samples of values at one provider and host."""

    def __init__(self, provider: Provider, controls: ControlSearch) -> None:
        self._provider = provider
        self._controls = controls

    def take(self, value: Value, excluded: Collection[Value], turns: str = DECISIVE) -> Sample:
        """Probe a value (`V`) and a control (`C`) in `turns`; stops at the first answer that decides otherwise.

        A sequence that ends with no clear answer is repeated from its begin, once.

        Args:
            value: the value that is said to be dead.
            excluded: values that are not controls, with this one.
            turns: the sequence; it begins with the value.
        """
        for _ in range(_TRIES):
            sample = self._taken(value, excluded, turns)
            unclear = sample.mixed and sample.seen.verdict is Verdict.UNKNOWN and sample.seen.retry_after is None
            if not (unclear or (sample.control.doubt and not sample.control.refused)):
                break
        return sample

    def _taken(self, value: Value, excluded: Collection[Value], turns: str) -> Sample:
        control, seen = ControlResult(), self._provider.probe(value, None)
        if seen.verdict is not Verdict.DEAD:
            return Sample(seen=seen, control=control)
        looked, last = False, turns.rindex("C")
        for place, turn in enumerate(turns[1:], start=1):
            if turn == "V":
                seen = self._provider.probe(value, None)
                if seen.verdict is not Verdict.DEAD:
                    return Sample(seen=seen, control=control, mixed=True)
                continue
            if not looked:
                control, looked = self._controls.look(excluded), True
            elif control.token is not None or (control.holds and place == last):  # a list is read at begin and end
                control = self._controls.again(control)
            if control.doubt and not control.holds:
                break
        return Sample(seen=seen, control=control)


class Controls:
    """Controls for a run over many tokens; remembers the control of each provider and host."""

    def __init__(self, store: Store, vendors: Vendors, clock: Clock) -> None:
        self._store = store
        self._vendors = vendors
        self._clock = clock
        self._searches: dict[tuple[str, str], ControlSearch] = {}
        self._missed: dict[tuple[str, str], float] = {}

    def hold(self, record: Record, refused: Value) -> bool:
        """Whether the host refuses a value each time while it accepts a control, which makes the refusal meaningful."""
        place, now, vendor = record.installation, self._clock.monotonic(), self._vendors.of(record)
        if place not in self._searches:
            self._searches[place] = ControlSearch(self._store, record, vendor)
        if now - self._missed.get(place, -_RETRY) < _RETRY:
            return False
        sample = Sampler(vendor.provider, self._searches[place]).take(refused, [refused])
        if sample.conclusive:
            return not self._lists(record, sample.control)
        if sample.seen.verdict is Verdict.DEAD:
            self._missed[place] = now
        return False

    def verdict(self, snapshot: Snapshot) -> Verdict:
        """Whether a token is accepted (alive) or refused beside a control (dead); unknown if its value is not readable.

        Roles that read no value, such as a planner's, are answered unknown.
        """
        record = snapshot.document.record
        try:
            live = self._store.read_live(snapshot.id)
            provider = self._vendors.of(record).provider
        except (InputError, Unreachable):
            return Verdict.UNKNOWN
        probes = provider.capabilities.probes(snapshot.document.record.kind)
        if live is None or live.found is not FieldState.EXPECTED or not probes:
            return Verdict.UNKNOWN
        verdict = provider.probe(live.value, None).verdict
        if verdict is Verdict.DEAD and not self.hold(record, live.value):
            return Verdict.UNKNOWN
        return verdict

    def _lists(self, record: Record, control: ControlResult) -> bool:
        """Whether the provider's list names the token, or cannot be read: then the refusal is not conclusive."""
        issuer, listed = self._vendors.of(record).issuer, control.listed
        if issuer is None or not record.provider_id:
            return False
        try:
            return (issuer.listed() if listed is None else listed).holds(record.provider_id)
        except Unreachable:
            return True
