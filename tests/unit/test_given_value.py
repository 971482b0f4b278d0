"""A value that is handed out is the one that the record proves, and the proof takes no request of its own."""

from dataclasses import dataclass, field

import pytest

from tests.unit.rotation_bench import Bench
from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Stage
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import Tampered
from tokenguard.frozen import replace
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.store import FieldState, Live


@dataclass
class Served:
    """A store that serves one value after another; each question is counted."""

    bench: Bench
    values: list[Live | None]
    snapshots: list[Snapshot] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def read_live(self, _token: TokenId) -> Live | None:
        self.asked.append("live")
        return self.values.pop(0) if len(self.values) > 1 else self.values[0]

    def load(self, _token: TokenId) -> Snapshot:
        self.asked.append("load")
        return self.snapshots.pop(0) if len(self.snapshots) > 1 else self.snapshots[0]

    def fingerprint(self, value: Value) -> object:
        return self.bench.store.fingerprint(value)


@pytest.fixture
def world() -> tuple[Bench, Snapshot, Live, Snapshot, Live]:
    """A token before and after a rotation, with what was live."""
    bench = Bench()
    token, _ = bench.add()
    before, old = bench.store.load(token), bench.store.read_live(token)
    bench.engine.rotate(token)
    return bench, before, old, bench.store.load(token), bench.store.read_live(token)


def test_the_value_of_the_record_is_given_after_one_read(world):
    bench, _, _, after, new = world
    store = Served(bench, [new])
    assert value_to_give(store, after) == new
    assert store.asked == ["live"]


def test_an_earlier_value_is_refused(world, words):
    bench, _, old, after, _ = world
    store = Served(bench, [old], [after])
    with pytest.raises(Tampered) as caught:
        value_to_give(store, after)
    words(caught.value)


def test_a_value_of_no_record_is_refused(world):
    bench, _, old, after, _ = world
    unproven = replace(after, document=replace(after.document, record=replace(after.document.record, fingerprint=None)))
    with pytest.raises(Tampered):
        value_to_give(Served(bench, [old], [unproven]), unproven)


def test_a_rotation_meanwhile_is_no_alarm(world):
    bench, before, _, after, new = world
    assert value_to_give(Served(bench, [new], [after]), before) == new


@pytest.mark.parametrize("found", [FieldState.DIFFERENT, FieldState.MISSING])
def test_what_is_found_in_an_adopted_field_is_left_to_the_caller(world, found):
    bench, _, old, after, _ = world
    foreign = replace(old, found=found)
    assert value_to_give(Served(bench, [foreign], [after]), after) == foreign


def test_nothing_live_is_nothing(world):
    bench, _, _, after, _ = world
    assert value_to_give(Served(bench, [None], [after]), after) is None


@pytest.mark.parametrize("stage", list(Stage))
def test_while_an_operation_is_open_only_what_it_publishes_is_proven_beside_the_record(world, stage):
    """The old value is refused from the publish on, unless an abort is putting it back."""
    bench, before, old, after, new = world
    journal = replace(after.document.journal, stage=stage)
    published, publishing = (replace(each.document, journal=journal) for each in (after, before))
    new_mark, old_mark = (bench.store.fingerprint(each.value) for each in (new, old))
    assert published.may_serve(new_mark)
    assert published.may_serve(old_mark) is (stage is Stage.ABORTING)
    assert publishing.may_serve(old_mark)
    assert publishing.may_serve(new_mark) is not stage.ended
