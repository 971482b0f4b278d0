"""An adopted value's rotation that is open while its store moves: it goes on at the new home, and late nowhere."""

from datetime import timedelta

import pytest

from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import Quiet
from tests.unit.adopted_bench import AdoptedBench
from tokenguard.domain.names import TokenId
from tokenguard.errors import TokenguardError, Unreachable
from tokenguard.migration.move_store import move_store
from tokenguard.ports.store import FieldState
from tokenguard.stores.adopted import adopting


@pytest.fixture
def bench() -> AdoptedBench:
    return AdoptedBench()


@pytest.mark.parametrize("ends", ["resume", "abort"])
@pytest.mark.parametrize("stopped", ["before the place", "after the place", "while it is written"])
def test_an_open_rotation_goes_on_from_another_store(bench, stopped, ends):
    """`migrate` carries the register; a runner that stood still at the old home is late at the place as well."""
    token, old = bench.adopt()
    target = MemoryStore(bench.clock)
    target.url = "memory://new"

    def moved() -> None:
        bench.places.interlude = lambda: None
        move_store(bench.home, target, bench.clock, Quiet(), lag=timedelta(0))
        if stopped == "while it is written":
            _end_at(bench, target, token, ends)
        else:
            raise Unreachable("gone", hint="resume")

    if stopped == "after the place":
        bench.deliveries.delivery.deaf = True
    else:
        bench.places.interlude = moved
    with pytest.raises(TokenguardError):
        bench.engine.rotate(token)
    if stopped == "after the place":
        bench.deliveries.delivery.deaf = False
        move_store(bench.home, target, bench.clock, Quiet(), lag=timedelta(0))
    if stopped != "while it is written":
        _end_at(bench, target, token, ends)
    assert bench.alive(bench.there)
    assert (bench.there == old) is (ends == "abort")
    assert len(bench.world.living()) == 1
    assert adopting(target, lambda: bench.places).read_live(token).found is FieldState.EXPECTED


def _end_at(bench: AdoptedBench, home: MemoryStore, token: TokenId, ends: str) -> None:
    there = AdoptedBench()
    there.world, there.places, there.clock = bench.world, bench.places, bench.clock
    there.vendors, there.deliveries, there.operator = bench.vendors, bench.deliveries, bench.operator
    there.store = adopting(home, lambda: bench.places)
    engine = there.runner("new home")
    (engine.abort if ends == "abort" else engine.resume)(token)
