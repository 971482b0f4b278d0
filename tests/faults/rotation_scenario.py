"""One scenario: an action with planned faults on the real engine, resumed until it is done, with every promise watched."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from tests.fakes.world import Made
from tests.faults.rotation_faults import Crash, Fault, Faults, Plan, Port, possible
from tests.faults.rotation_promises import Broken, Promises
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.names import TokenId, token_name
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead, TokenguardError, Unfinished
from tokenguard.frozen import replace
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.provider import Ambiguous, CreatedToken, Method, TokenRequest
from tokenguard.rotation.engine import Engine

NAME = token_name("video/upload/prod")
ACTIONS = ("planned", "compromised", "retire", "issue", "add", "abort", "abort-early")
_MOST_RESUMES = 8
_OUTAGE_LASTS = 3
"""Runs."""
_A_DAY = 25 * 3600


@dataclass
class _Vendors:
    """Hands out the watched provider and issuer."""

    vendor: object

    def of(self, record: object) -> object:
        return self.vendor


@dataclass
class _Deliveries:
    delivery: object

    def of(self, consumer: object) -> object:
        return self.delivery


class Scenario:
    """A world with one token in it, an action on it, and a plan of faults."""

    bench_kind: type[Bench] = Bench

    def __init__(
        self, action: str, plan: Plan, *, guided: bool, revoke_lag: float | None = None, engine: type[Engine] = Engine
    ) -> None:
        self.action = action
        lag = {} if revoke_lag is None else {"revoke_lag": revoke_lag}
        self.bench = self.bench_kind(guided=guided, **lag)
        self.promises = Promises(self.bench, action)
        if action not in {"issue", "add"}:
            token, made = self.bench.add()
            self.promises.token, self.promises.old = token, made
        if action == "compromised":
            self._forget_the_id()
        if action.startswith("abort"):
            self._begin_what_is_to_be_undone()
        self.faults = Faults(plan, self.promises.before, self._after, self._overtake, self._begin_outage)
        self._outage_lasts = 0
        self._engine = engine
        self._holders = count(1)
        self._start_over = False
        self._outrun_by: Mode | None = None

    def run(self) -> "Scenario":
        """Act, then resume until it is done; Broken tells which promise was not kept."""
        outages = sum(fault in {Fault.OUTAGE, Fault.HALF_OUTAGE} for fault in self.faults.plan.values())
        for _ in range(most := _MOST_RESUMES + _OUTAGE_LASTS * max(outages - 1, 0)):
            self.faults.down = False
            self._outage_lasts -= 1
            if self._outage_lasts <= 0:
                self.bench.world.outage = self.bench.world.half_outage = False
            try:
                self._go_on(self._runner())
            except Crash:
                self.promises.died = True
                continue
            except TokenguardError as error:
                if not self.faults.down:
                    self.promises.told.append(error)
                    self.promises.stopped(error, self.faults.hit[-1][0] if self.faults.hit else "")
                self._start_over = self.action == "add" and isinstance(error, Unfinished)
                continue
            if self._over():
                self.promises.returned()
                self.bench.clock.sleep(self.bench.revoke_lag)
                self.promises.at_rest()
                return self
        raise Broken(f"P8: not over after {most} resumes")

    def look_later(self) -> None:
        """A day later, in an outage; then without one, and once more: a value is destroyed only if its token is dead."""
        token = self._token()
        for outage in (True, False, False):
            self.bench.clock.sleep(_A_DAY)
            self.bench.world.outage, self.bench.world.half_outage = outage, False
            before = self.bench.document(token).quarantine
            list(self._runner(watched=False).reprobe(token))
            if outage and self.bench.document(token).quarantine != before:
                raise Broken("P3: something was concluded in an outage")
            self.promises.nothing_living_is_destroyed()
            if self.bench.document(token).busy:
                with suppress(NotProvenDead):  # only said again
                    self._runner(watched=False).resume(token)

    def _begin_outage(self, fault: Fault) -> None:
        self.bench.world.outage = self.bench.world.outage or fault is Fault.OUTAGE
        self.bench.world.half_outage = self.bench.world.half_outage or fault is Fault.HALF_OUTAGE
        self._outage_lasts = _OUTAGE_LASTS

    def _go_on(self, runner: Engine) -> None:
        token = self._token()
        busy = token is not None and self.bench.document(token).busy
        going_back = self.action.startswith("abort") or self._start_over
        if busy and going_back and self.bench.journal(token).stage is not Stage.ABORTING:
            runner.abort(token, reason="given up")
        elif busy:
            runner.resume(token)
        elif not self._over():
            self._act(runner)

    def _act(self, runner: Engine) -> None:
        token = self._token()
        match self.action:
            case "planned":
                runner.rotate(token)
            case "compromised":
                runner.rotate(token, compromised=True, reason="seen in a ticket")
            case "retire":
                runner.retire(token)
            case "issue":
                runner.issue(self.bench.record(NAME))
            case "add":
                given = self._given()
                runner.add(replace(self.bench.record(NAME), label=given.label, provider_id=given.id), Value.of(given.value), seen=None)  # fmt: skip

    def _given(self) -> Made:
        """The value that somebody takes into custody: the same one at every try."""
        made = next(iter(self.bench.world.made.values()), None)
        return made or self.bench.world.create("made-by-hand")

    def _over(self) -> bool:
        token = self._token()
        journal = self.bench.document(token).journal if token else None
        wanted = Mode.PLANNED if self.action.startswith("abort") else Mode(self.action)
        return journal is not None and journal.mode in {wanted, self._outrun_by} and journal.stage.ended

    def _token(self) -> TokenId | None:
        if self.promises.token is None:
            found = self.bench.store.find(NAME)
            self.promises.token = found.id if found else None
        return self.promises.token

    def _runner(self, *, watched: bool = True) -> Engine:
        bench = self.bench
        context = bench.engine._context
        holder = f"testhost/{next(self._holders)}/sim"
        if not watched:
            return self._engine(replace(context, holder=holder))
        port = {name: self._gated(name, inner) for name, inner in self._ports()}
        vendor = bench.vendors.of(bench.record(NAME))
        vendor = replace(vendor, provider=port["provider"], issuer=port["issuer"] if bench.issuer else None)
        return self._engine(
            replace(
                context,
                store=port["store"],
                vendors=_Vendors(vendor),
                deliveries=_Deliveries(port["delivery"]),
                operator=port["operator"],
                holder=holder,
            )
        )

    def _gated(self, name: str, inner: object) -> object:
        return Port(name, inner, self.faults)

    def _ports(self) -> Iterator[tuple[str, object]]:
        bench = self.bench
        yield from (("store", bench.store), ("provider", bench.provider), ("issuer", bench.issuer))
        yield from (("delivery", bench.deliveries.delivery), ("operator", bench.operator))

    def _after(self, call: str, arguments: tuple) -> None:
        self._token()
        self.promises.after(call, arguments)

    def _overtake(self, fault: Fault) -> None:
        """Another runner takes over whatever is open, and ends it, while the first one stands still."""
        promises = self.promises
        token = self._token()
        if token is None or not self.bench.document(token).busy:
            return
        other = self._runner(watched=False)
        self.faults.off, before = True, self.bench.store.load(token).version
        try:
            (other.abort if fault is Fault.UNDONE else other.resume)(token)
            if fault is Fault.OUTRUN:
                self._outrun_by = other.rotate(token, compromised=self.action == "compromised").document.journal.mode
        except TokenguardError as error:
            promises.told.append(error)
        self.faults.off = False
        promises.take_note(self.bench.journal(token))
        promises.version = self.bench.store.load(token).version
        promises.overtaken = promises.overtaken or promises.version > before

    def _forget_the_id(self) -> None:
        """Its token was made by hand: only the provider's hint tells which one it is."""
        bench = self.bench
        snapshot = bench.store.load(self._token())
        record = replace(snapshot.document.record, provider_id="")
        bench.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [])

    def _begin_what_is_to_be_undone(self) -> None:
        """A planned rotation that stopped with two living tokens: at its create, or with the consumer on the new one."""
        bench, token = self.bench, self.promises.token
        stumbling = {"abort": stumble_at_delivery, "abort-early": stumble_at_creation}[self.action]
        with stumbling(bench), suppress(TokenguardError, KeyboardInterrupt):
            bench.engine.rotate(token)


@dataclass
class _LateRevokes(Bench):
    """Revokes take effect later than the provider's file says."""

    revoke_lag: float = 400
    capabilities: dict[str, object] = field(default_factory=lambda: {"revoke_lag": timedelta()})


class LateRevokes(Scenario):
    bench_kind = _LateRevokes


@dataclass
class _RevokedByPeople(Bench):
    """The provider lists its tokens, and a person revokes them."""

    capabilities: dict[str, object] = field(default_factory=lambda: {"revoke": Method.PERSON})


class RevokedByPeople(Scenario):
    bench_kind = _RevokedByPeople


class Unlisted(Scenario):
    """The provider's list, which is complete otherwise, lacks the old token all along."""

    def __init__(self, action: str, plan: Plan, **options: Any) -> None:
        super().__init__(action, plan, **options)
        assert self.promises.old is not None
        self.bench.world.unlisted.add(self.promises.old.id)

    def _forget_the_id(self) -> None:
        """It could not be found by its hint."""


@contextmanager
def stumble_at_delivery(bench: Bench) -> Iterator[None]:
    with patch.object(bench.deliveries.delivery, "verify", lambda consumer, value: ConsumerVerdict.DIFFERENT):
        yield


@contextmanager
def stumble_at_creation(bench: Bench) -> Iterator[None]:
    def made_and_lost(wanted: TokenRequest) -> CreatedToken:
        bench.world.create(wanted.label)
        raise Ambiguous("no answer", hint="resume")

    def made_and_left() -> None:
        bench.world.create(bench.operator.asked[-1][1].steps[0].split()[1])
        raise KeyboardInterrupt

    if bench.issuer is None:
        bench.operator.answers.append(made_and_left)
        yield
        return
    with patch.object(bench.issuer, "create", made_and_lost):
        yield


def one_fault_plans(action: str, *, guided: bool, kind: type[Scenario] = Scenario) -> Iterator[Plan]:
    """Every fault at every call of the undisturbed run."""
    calls = kind(action, {}, guided=guided).run().faults.calls
    for place, call in enumerate(calls):
        for fault in possible(call):
            yield {place: fault}


def further_plans(action: str, plan: Plan, *, guided: bool) -> Iterator[Plan]:
    """Every second (third…) fault after the last one of `plan`, in the run that `plan` leads to."""
    calls = Scenario(action, plan, guided=guided).run().faults.calls
    for place in range(max(plan) + 1, len(calls)):
        for fault in possible(calls[place]):
            yield {**plan, place: fault}
