"""What was undone can be begun again: a name is never burnt by an operation that did not end."""

from contextlib import nullcontext

import pytest

from tests.faults.rotation_scenario import NAME, stumble_at_delivery
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Stage
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead, Unfinished


@pytest.mark.parametrize("guided", [False, True], ids=["api", "guided"])
def test_a_first_value_that_was_published_and_undone_can_be_issued_again_and_again(guided):
    bench = Bench(guided=guided)
    for _ in range(2):
        with stumble_at_delivery(bench), pytest.raises(Unfinished):
            bench.engine.issue(bench.record(NAME))
        snapshot = bench.store.find(NAME)
        assert snapshot is not None
        with pytest.raises(NotProvenDead) if guided else nullcontext():  # there is no control for what a person ended
            bench.engine.abort(snapshot.id)
        assert bench.journal(snapshot.id).stage is Stage.ABORTED
        assert bench.world.living() == []
    snapshot = bench.engine.issue(bench.record(NAME))
    assert [made.value for made in bench.world.living()] == [bench.live_value(snapshot.id)]
    bench.engine.rotate(snapshot.id)
    assert [made.value for made in bench.world.living()] == [bench.live_value(snapshot.id)]


def test_a_given_value_that_was_published_and_undone_can_be_added_again():
    bench = Bench()
    made = bench.world.create("made-by-hand")
    for _ in range(2):
        with stumble_at_delivery(bench), pytest.raises(Unfinished):
            bench.engine.add(bench.record(NAME), Value.of(made.value), seen=None)
        snapshot = bench.store.find(NAME)
        assert snapshot is not None
        bench.engine.abort(snapshot.id)
        assert bench.world.alive(made)
    snapshot = bench.engine.add(bench.record(NAME), Value.of(made.value), seen=None)
    assert bench.live_value(snapshot.id) == made.value


@pytest.mark.parametrize("guided", [False, True], ids=["api", "guided"])
def test_an_undone_rotation_can_be_begun_again(guided):
    bench = Bench(guided=guided)
    token, old = bench.add()
    with stumble_at_delivery(bench), pytest.raises(Unfinished):
        bench.engine.rotate(token)
    bench.engine.abort(token)
    assert bench.live_value(token) == old.value
    bench.engine.rotate(token)
    assert not bench.world.alive(old)
    assert [made.value for made in bench.world.living()] == [bench.live_value(token)]
