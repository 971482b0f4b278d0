"""Faults at the ports of a rotation: every call to the outside is counted, and a plan says what goes wrong at which."""

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum, auto
from typing import Any, Never

from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.errors import Conflict, NeedsPerson, Unreachable
from tokenguard.ports.provider import Ambiguous, CreateRefused

_NO_TIME = datetime(2026, 11, 1, tzinfo=UTC)


SEED = int(os.environ.get("ROTATION_SEED") or (secrets.randbits(32) if os.environ.get("EXPLORE") else 1))
"""What the campaigns choose by, another one for each run with EXPLORE; printed with every failure."""


class Crash(BaseException):
    """The process is gone: nothing below may run another line, as after kill -9."""


class Fault(StrEnum):
    """What can go wrong at one call."""

    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    REPLY_LOST = auto()
    NO_EFFECT = auto()
    """A timeout: the caller cannot tell it from a lost reply."""
    REFUSED = auto()
    """429, 503, denied: the caller knows that nothing took effect."""
    TWICE = auto()
    """Delivered twice on the way."""
    OVERTAKEN = auto()
    """The caller is stopped before the call; another runner takes over, finishes, and only then it goes on."""
    UNDONE = auto()
    """The same, and the other runner aborts."""
    OUTRUN = auto()
    """The same, and the other runner finishes, and rotates once more."""
    FORGOTTEN = auto()
    """Acknowledged, and not done: what reading back, the list and the probes are for."""
    OUTAGE = auto()
    """From here on the provider refuses every credential, for a while; a person who is asked now only says done."""
    HALF_OUTAGE = auto()
    """The same, of the servers that answer probes: those that answer the admin credential accept it."""


_STANDING_STILL = (Fault.OVERTAKEN, Fault.UNDONE, Fault.OUTRUN)
_KNOWN_GAPS = {("issuer.revoke", Fault.UNDONE), ("operator.done", Fault.UNDONE)}
"""A revoke cannot be fenced: a runner stopped right before it ends what an abort made live again (docs/rotation.md)."""
PLACES = {"place.read", "place.replace"}
"""Of fields that others own; only where a token was adopted."""
READS = {"store.load", "store.find", "store.read_candidate", "store.read_live", "provider.probe",
         "issuer.listed", "delivery.verify"}  # fmt: skip
PEOPLE = {"operator.paste", "operator.done", "operator.ask_outcome"}
EFFECTS = {"store.commit", "store.put_candidate", "store.publish", "store.withdraw", "store.destroy", "issuer.create",
           "issuer.revoke", "delivery.push"}  # fmt: skip

LINES = {"progress.step", "progress.note", "progress.waiting"}
"""What a person sees of a run."""
MOVING = {"end.put_move", "end.take_fingerprint_key", "end.commit", "end.put_candidate", "end.publish", "end.withdraw",
          "end.destroy", "shared_items.write"}  # fmt: skip
"""Effects of a move, at either end."""


def possible(call: str) -> tuple[Fault, ...]:
    """The faults that make sense at `call`; a crash after a read is the crash before what follows."""
    if call == "provider.probe":
        return (Fault.CRASH_BEFORE, Fault.NO_EFFECT, Fault.OUTAGE, Fault.HALF_OUTAGE, *_STANDING_STILL)
    if call in READS or call == "place.read":
        return (Fault.CRASH_BEFORE, Fault.NO_EFFECT, *_STANDING_STILL)
    if call in PEOPLE:
        still = tuple(fault for fault in _STANDING_STILL if (call, fault) not in _KNOWN_GAPS)
        return (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.REFUSED, Fault.OUTAGE, Fault.HALF_OUTAGE, *still)
    faults = set(Fault)
    if not call.startswith("issuer."):
        faults -= {Fault.REFUSED, Fault.OUTAGE, Fault.HALF_OUTAGE}
    if call not in {"store.put_candidate", "issuer.revoke"}:
        faults.remove(Fault.FORGOTTEN)
    if call.startswith("delivery."):
        faults -= {Fault.UNDONE, Fault.OUTRUN}  # the known gap: a delivery cannot be fenced (docs/rotation.md)
    faults -= {fault for known, fault in _KNOWN_GAPS if known == call}
    return tuple(sorted(faults))


Plan = Mapping[int, Fault]
Watch = Callable[[str, tuple[Any, ...]], None]


@dataclass
class Faults:
    """The one gate that all calls pass. `before` and `after` look at the world around each of them."""

    plan: Plan
    before: Watch = lambda call, arguments: None
    after: Watch = lambda call, arguments: None
    overtake: Callable[[Fault], None] = lambda fault: None
    begin_outage: Callable[[Fault], None] = lambda fault: None
    calls: list[str] = field(default_factory=list)
    hit: list[tuple[str, Fault]] = field(default_factory=list)
    off: bool = False
    down: bool = False
    """The process has crashed: whatever its cleanup still tries never happens."""

    def call(self, call: str, arguments: tuple[Any, ...], effect: Callable[[], Any]) -> Any:
        """Pass one call on, or let it fail as planned."""
        if self.down:
            raise Crash
        if self.off:
            return self._watched(call, arguments, effect)
        fault = self.plan.get(len(self.calls))
        self.calls.append(call)
        if fault is not None:
            self.hit.append((call, fault))
        return self._faulty(fault, call, arguments, effect)

    def _faulty(self, fault: Fault | None, call: str, arguments: tuple[Any, ...], effect: Callable[[], Any]) -> Any:
        match fault:
            case Fault.CRASH_BEFORE:
                self._crash()
            case Fault.CRASH_AFTER:
                self._watched(call, arguments, effect)
                self._crash()
            case Fault.REPLY_LOST:
                self._watched(call, arguments, effect)
                return self._fail(call)
            case Fault.NO_EFFECT:
                return self._fail(call)
            case Fault.REFUSED:
                raise (
                    NeedsPerson("nobody answers", hint="ask")
                    if call in PEOPLE
                    else CreateRefused("denied", hint="wait")
                )
            case Fault.TWICE:
                answer = self._watched(call, arguments, effect)
                with suppress(Conflict):  # the second delivery of a compare-and-set answers nobody
                    self._watched(call, arguments, effect)
                return answer
            case Fault.FORGOTTEN:
                return None
            case Fault.OUTAGE | Fault.HALF_OUTAGE:
                self.begin_outage(fault)
                if call == "operator.done":
                    return "ada"
            case Fault.OVERTAKEN | Fault.UNDONE | Fault.OUTRUN:
                self.overtake(fault)
        return self._watched(call, arguments, effect)

    def _watched(self, call: str, arguments: tuple[Any, ...], effect: Callable[[], Any]) -> Any:
        self.before(call, arguments)
        answer = effect()
        self.after(call, arguments)
        return answer

    def _crash(self) -> Never:
        self.down = True
        raise Crash

    def _fail(self, call: str) -> Any:
        if call == "provider.probe":
            return Observation(verdict=Verdict.UNKNOWN, at=_NO_TIME, reason="timeout")
        if call in {"issuer.create", "issuer.revoke"}:
            raise Ambiguous("no answer", hint="resume")
        raise Unreachable("no answer", hint="resume")


class Port:
    """Passes a port's calls through the gate; everything else is the port's own."""

    def __init__(self, name: str, inner: object, faults: Faults) -> None:
        self._name = name
        self._inner = inner
        self._faults = faults

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._inner, attribute)
        call = f"{self._name}.{attribute}"
        if call not in READS | PEOPLE | EFFECTS | PLACES:
            return value

        def through(*arguments: Any, **options: Any) -> Any:
            return self._faults.call(call, arguments, lambda: value(*arguments, **options))

        return through
