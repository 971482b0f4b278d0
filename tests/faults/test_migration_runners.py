"""A runner that stops, or stands still, at any call of an operation, while its store moves: resumed at the new home."""

from contextlib import nullcontext, suppress
from datetime import timedelta

import pytest

from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import Quiet
from tests.faults.rotation_faults import Crash, Fault, Faults, Port
from tests.faults.rotation_scenario import _Deliveries, _Vendors
from tests.unit.adopted_bench import AdoptedBench
from tests.unit.rotation_bench import APP, Bench
from tokenguard.domain.secret import Value
from tokenguard.errors import Moved, NotProvenDead, TokenguardError
from tokenguard.frozen import replace
from tokenguard.migration.move_store import move_store
from tokenguard.ports.store import underlying_store
from tokenguard.rotation.engine import Engine
from tokenguard.stores.adopted import adopting

ACTIONS = {
    "planned": lambda engine, token: engine.rotate(token),
    "compromised": lambda engine, token: engine.rotate(token, compromised=True, reason="seen"),
    "retire": lambda engine, token: engine.retire(token),
}


class Removal:
    """One token, one operation on it, and a move of its store in the middle."""

    def __init__(self, *, kind: str) -> None:
        self.bench = AdoptedBench() if kind == "adopted" else Bench(guided=kind == "guided")
        self.token, self.old = self.bench.add()
        for label in ("r2", "r3"):  # the live version is not 1, so that pins have to be moved
            self.bench.runner(label).rotate(self.token)
        self.old = self.bench.world.living()[0]
        self.kept = underlying_store(self.bench.store)
        self.arrived = MemoryStore(self.bench.clock)
        self.arrived.url = "local:///new"
        adopted = isinstance(self.bench, AdoptedBench)
        self.home = adopting(self.arrived, lambda: self.bench.places) if adopted else self.arrived

    def move(self) -> None:
        move_store(self.kept, self.arrived, self.bench.clock, Quiet(), lag=timedelta(0))

    def act(self, action: str, plan: dict[int, Fault]) -> tuple[Faults, BaseException | None]:
        """The operation at the old store, with a fault; returns what was called, and how it ended."""
        bench, context = self.bench, self.bench.engine._context
        faults = Faults(plan, overtake=lambda fault: self._move_unseen(faults, action if fault is Fault.OUTRUN else ""))
        issuer = Port("issuer", bench.issuer, faults) if bench.issuer else None
        vendor = replace(
            bench.vendors.of(bench.record()), provider=Port("provider", bench.provider, faults), issuer=issuer
        )
        runner = Engine(
            replace(
                context,
                store=Port("store", bench.store, faults),
                vendors=_Vendors(vendor),
                deliveries=_Deliveries(Port("delivery", bench.deliveries.delivery, faults)),
                operator=Port("operator", bench.operator, faults),
                holder="testhost/1/slow",
            )
        )
        try:
            ACTIONS[action](runner, self.token)
        except (Crash, TokenguardError) as error:
            return faults, error
        return faults, None

    def _move_unseen(self, faults: Faults, end: str) -> None:
        faults.off = True
        self.move()
        if end:
            self.go_on(end)
        faults.off = False

    def go_on(self, action: str) -> None:
        """At the new home; what had not been begun is begun there."""
        engine = Engine(replace(self.bench.engine._context, store=self.home, holder="testhost/1/new"))
        document = self.home.load(self.token).document
        guided = self.bench.issuer is None  # what a person says of an attempt, or of a death without control, is 5
        with suppress(NotProvenDead) if guided else nullcontext():
            if document.busy:
                engine.resume(self.token)
            elif self.bench.world.alive(self.old):
                ACTIONS[action](engine, self.token)
        journal = self.home.load(self.token).document.journal
        assert journal is None or journal.stage.ended, "it came to its end"

    def check(self, action: str, where: str) -> None:
        live = self.home.read_live(self.token)
        served = [live.value.token.reveal()] if live else []
        assert [made.value for made in self.bench.world.living()] == served, where
        assert len(served) == (action != "retire"), where
        assert not self.bench.world.alive(self.old), where
        if served:
            assert self.bench.deliveries.delivery.held[APP] == served[0], where
            assert not isinstance(self.bench, AdoptedBench) or self.bench.there == served[0], where
        kept = {item.label for item in self.home.load(self.token).document.quarantine} | (
            {live.label} if live else set()
        )
        left = [
            label for (_, label), held in self.arrived._slots.items() if isinstance(held, Value) and label not in kept
        ]
        assert not left, where


@pytest.mark.parametrize("kind", ["api", "guided", "adopted"])
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("fault", [Fault.OVERTAKEN, Fault.OUTRUN, Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_an_operation_goes_on_at_the_new_home_and_nowhere_else(action: str, kind: str, fault: Fault):
    calls = Removal(kind=kind).act(action, {})[0].calls
    for place, call in enumerate(calls):
        where = f"{fault} at {place}, {call}"
        removal = Removal(kind=kind)
        _, error = removal.act(action, {place: fault})
        if fault not in {Fault.OVERTAKEN, Fault.OUTRUN}:
            removal.move()
        before = removal.bench.store.load(removal.token)
        with suppress(TokenguardError):  # P7: whoever comes late changes nothing any more
            removal.bench.runner("late").resume(removal.token)
        assert removal.bench.store.load(removal.token) == before, where
        removal.go_on(action)
        removal.check(action, where)
        if fault is Fault.OVERTAKEN and call == "store.commit":
            assert isinstance(error, TokenguardError), where


def test_a_runner_that_wakes_after_the_move_is_told_where_it_went():
    removal = Removal(kind="api")
    _, error = removal.act("planned", {0: Fault.OVERTAKEN})
    assert isinstance(error, Moved)
    assert "local:///new" in error.message + error.hint
