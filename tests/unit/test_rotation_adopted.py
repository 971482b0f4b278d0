"""Rotation of values that live in fields of others: every promise as at home, and nothing else there is touched."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.world import DRIVE
from tests.unit.adopted_bench import OTHERS, URL, AdoptedBench
from tests.unit.rotation_bench import finished
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, InputError, NotProvenDead, Unfinished, Unreachable
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.store import FieldState
from tokenguard.stores.adopted import adopting


@pytest.fixture
def bench() -> AdoptedBench:
    return AdoptedBench()


def test_adopting_writes_nothing_there(bench):
    token, value = bench.adopt()
    assert bench.places.version(URL) == 1
    assert "replace" not in bench.places.calls
    assert bench.live_value(token) == value
    assert bench.store.read_live(token).found is FieldState.EXPECTED


def test_a_rotation_replaces_that_field_only_and_proves_the_old_one_dead(bench):
    token, old = bench.adopt()
    assert finished(bench.engine.rotate(token))
    assert bench.there not in {old, None}
    assert bench.alive(bench.there)
    assert not bench.alive(old)
    assert bench.places.fields(URL) == {**OTHERS, "token": bench.there}
    assert bench.live_value(token) == bench.there
    assert [item.fingerprint for item in bench.document(token).quarantine] == [
        bench.store.fingerprint(Value.of(old))
    ], "the old value stays with the rotators"


def test_a_second_rotation_goes_on_from_there(bench):
    token, _ = bench.adopt()
    bench.engine.rotate(token)
    second = bench.there
    bench.engine.rotate(token, compromised=True)
    assert bench.there != second
    assert bench.alive(bench.there)
    assert not bench.alive(second)


def test_what_is_live_is_what_is_there(bench):
    token, _ = bench.adopt()
    theirs = bench.world.create("theirs").value
    bench.places.change(URL, token=theirs)
    live = bench.store.read_live(token)
    assert (live.value.token.reveal(), live.found) == (theirs, FieldState.DIFFERENT)
    bench.places.remove(URL)
    assert bench.store.read_live(token).found is FieldState.MISSING


@pytest.mark.parametrize("change", ["change", "remove"])
def test_a_planned_rotation_does_not_begin_over_somebody_elses_value(bench, change):
    token, old = bench.adopt()
    bench.places.change(URL, token="tgcanary-theirs") if change == "change" else bench.places.remove(URL)
    with pytest.raises(UnexpectedValue) as caught:
        bench.engine.rotate(token)
    assert caught.value.exit_code == 3
    assert not bench.document(token).busy
    assert bench.alive(old)
    assert len(bench.world.made) == 1


def test_a_strangers_value_between_is_a_conflict_that_can_be_resumed(bench):
    token, old = bench.adopt()
    bench.places.interlude = lambda: _once(bench, lambda: bench.places.change(URL, token="tgcanary-theirs"))
    with pytest.raises(UnexpectedValue) as caught:
        bench.engine.rotate(token)
    assert caught.value.exit_code == 3
    assert bench.there == "tgcanary-theirs"
    assert bench.alive(old)
    with pytest.raises(UnexpectedValue):
        bench.engine.resume(token)
    bench.places.change(URL, token=old)
    assert finished(bench.engine.resume(token))
    assert bench.alive(bench.there)
    assert not bench.alive(old)
    assert len([made for made in bench.world.made.values() if bench.world.alive(made)]) == 1


def test_a_strangers_change_of_another_field_is_kept_and_no_hindrance(bench):
    token, old = bench.adopt()
    bench.places.interlude = lambda: _once(bench, lambda: bench.places.change(URL, zone="us", extra=1))
    assert finished(bench.engine.rotate(token))
    assert bench.places.fields(URL) == {**OTHERS, "zone": "us", "extra": 1, "token": bench.there}
    assert bench.there != old


def test_somebody_who_never_stops_writing_is_told_to(bench, words):
    token, old = bench.adopt()
    bench.places.interlude = lambda: bench.places.change(URL, zone="again")
    with pytest.raises(Unfinished) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    assert bench.there == old
    bench.places.interlude = lambda: None
    assert finished(bench.engine.resume(token))


@pytest.mark.parametrize("whose", ["old", "theirs", "nothing"])
def test_an_abort_gives_the_old_value_back_and_takes_nobodys_away(bench, whose):
    token, old = bench.adopt()
    bench.deliveries.delivery.deaf = True  # stops behind the publish
    with pytest.raises(Unfinished):
        bench.engine.rotate(token)
    new = bench.there
    assert new != old
    if whose == "theirs":
        bench.places.change(URL, token="tgcanary-theirs")
    if whose == "nothing":
        bench.places.remove(URL)
    bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTED
    assert bench.alive(old)
    assert not bench.alive(new)
    expected = {"old": {**OTHERS, "token": old}, "theirs": {**OTHERS, "token": "tgcanary-theirs"}, "nothing": {}}
    assert bench.places.fields(URL) == expected[whose]
    if whose != "old":
        assert any("left as it is" in line for line in bench.progress.lines)


def test_a_permission_that_was_lost_stops_before_the_revoke_and_comes_back(bench):
    token, old = bench.adopt()
    bench.places.interlude = lambda: _deny(bench)
    with pytest.raises(Unreachable):
        bench.engine.rotate(token)
    assert bench.alive(old)
    bench.places.denied = False
    bench.places.interlude = lambda: None
    assert finished(bench.engine.resume(token))
    assert bench.places.fields(URL) == {**OTHERS, "token": bench.there}


def test_a_leak_ends_the_old_value_whatever_is_there_now(bench):
    token, old = bench.adopt()
    bench.places.change(URL, token="tgcanary-theirs")
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token, compromised=True)
    assert not bench.alive(old)
    assert bench.there == "tgcanary-theirs"
    bench.places.change(URL, token=old)
    assert finished(bench.engine.resume(token))
    assert bench.alive(bench.there)


@pytest.mark.parametrize("change", ["same", "theirs", "nothing"])
def test_a_retirement_touches_nothing_there_and_says_so(bench, change):
    token, old = bench.adopt()
    if change == "theirs":
        bench.places.change(URL, token="tgcanary-theirs")
    if change == "nothing":
        bench.places.remove(URL)
    before = bench.places.version(URL)
    assert finished(bench.engine.retire(token))
    assert not bench.alive(old)
    assert bench.places.version(URL) == before
    assert bench.store.read_live(token) is None
    assert any(URL in line for line in bench.progress.lines)


def test_another_server_than_the_pinned_one_is_never_asked(bench):
    token, old = bench.adopt()
    calls = len(bench.places.calls)
    bench.places.server = "https://elsewhere.test:8200"
    with pytest.raises(InputError):
        bench.engine.rotate(token)
    with pytest.raises(InputError):
        bench.store.read_live(token)
    assert len(bench.places.calls) == calls
    assert bench.alive(old)


def test_a_value_that_changed_while_it_was_adopted_is_not_taken(bench):
    made = bench.world.create("by-hand")
    bench.places.put(URL, token="tgcanary-theirs")
    record = bench.record()
    with pytest.raises(UnexpectedValue):
        bench.engine.add(record, Value.of(made.value), seen=None)
    token = bench.store.find(record.name).id
    assert bench.places.version(URL) == 1
    bench.engine.abort(token)
    assert bench.places.version(URL) == 1
    assert bench.alive(made.value), "what somebody gave us is theirs"


@pytest.mark.parametrize("ends", ["resume", "abort"])
def test_a_runner_that_stood_still_before_its_write_writes_nothing(bench, ends):
    """P7: overtaken at the place itself, after it has read the version and looked at the register."""
    token, old = bench.adopt()
    other = bench.runner("two")

    def overtaken() -> None:
        bench.places.interlude = lambda: None
        if ends == "resume":
            other.resume(token)
            other.rotate(token)
        else:
            other.abort(token)

    bench.places.interlude = overtaken
    with pytest.raises((Conflict, Unfinished)):
        bench.engine.rotate(token)
    assert bench.alive(bench.there)
    assert (bench.there == old) is (ends == "abort")
    assert bench.live_value(token) == bench.there
    assert bench.store.read_live(token).found is FieldState.EXPECTED
    assert len(bench.world.living()) == 1


@pytest.mark.parametrize("ends", ["resume", "abort"])
def test_a_runner_that_stood_still_before_its_read_writes_nothing(bench, monkeypatch, ends):
    token, _ = bench.adopt()
    other = bench.runner("two")
    publish = bench.home.publish

    def overtaken(*arguments: object) -> int:
        monkeypatch.undo()
        version = publish(*arguments)
        if ends == "resume":
            other.resume(token)
            other.rotate(token)
        else:
            other.abort(token)
        return version

    monkeypatch.setattr(bench.home, "publish", overtaken)
    with pytest.raises((Conflict, Unfinished)):
        bench.engine.rotate(token)
    assert bench.alive(bench.there)
    assert len(bench.world.living()) == 1
    assert bench.store.read_live(token).found is FieldState.EXPECTED


class Crash(BaseException):
    pass


_EFFECTS = ("publish", "commit", "put_candidate", "destroy", "replace")


@pytest.mark.parametrize("mode", [Mode.PLANNED, Mode.COMPROMISED])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("then", ["resume", "abort"])
def test_a_crash_at_every_effect_is_made_good(mode, when, then):
    """Every effect on the home store and on the place, one crash each; P1 is looked at at every one of them."""
    number = crashed = 0
    while True:
        bench = AdoptedBench()
        token, _ = bench.adopt()
        effects = _crashing(bench, number, when)
        try:
            bench.engine.rotate(token, compromised=mode is Mode.COMPROMISED)
        except Crash:
            crashed += 1
        if number >= len(effects):
            break
        _mended(bench)
        _finish(bench, token, then)
        assert bench.alive(bench.there), (number, effects)
        assert bench.store.read_live(token).found is FieldState.EXPECTED
        assert bench.places.fields(URL) == {**OTHERS, "token": bench.there}
        assert len(bench.world.living()) == 1, (number, effects)
        assert not bench.document(token).busy
        number += 1
    assert crashed == number > 15
    assert "replace" in effects


def _crashing(bench: AdoptedBench, number: int, when: str) -> list[str]:
    """Let effect `number` be the last thing this runner does, or nearly does."""
    effects: list[str] = []

    def gated(name, effect):
        def through(*arguments):
            effects.append(name)
            if len(effects) - 1 > number:
                raise Crash  # the process is gone
            if len(effects) - 1 == number and when == "before":
                raise Crash
            answer = effect(*arguments)
            _look(bench)
            if len(effects) - 1 == number:
                raise Crash
            return answer

        return through

    for name in ("publish", "commit", "put_candidate", "destroy"):
        setattr(bench.home, name, gated(name, getattr(bench.home, name)))
    of = bench.places.of

    def place(location):
        found = of(location)
        found.replace = gated("replace", found.replace)
        return found

    bench.places.of = place
    return effects


def _mended(bench: AdoptedBench) -> None:
    for name in ("publish", "commit", "put_candidate", "destroy"):
        vars(bench.home).pop(name)
    del bench.places.of
    bench.store = adopting(bench.home, lambda: bench.places)
    bench.engine = bench.runner("after the crash")


def _look(bench: AdoptedBench) -> None:
    """P1, planned: what is there is alive, at every instant; in a compromise nothing is promised before the end."""
    journals = [snapshot.document.journal for snapshot in bench.home.scan()]
    if all(journal and journal.mode in {Mode.PLANNED, Mode.ADD} for journal in journals):
        assert bench.alive(bench.there)


def _finish(bench: AdoptedBench, token: TokenId, then: str) -> None:
    if then == "abort" and bench.document(token).busy:
        try:
            bench.engine.abort(token, reason="given up")
        except InputError:  # past the point of no return
            bench.engine.resume(token)
    else:
        bench.engine.resume(token)


def _once(bench: AdoptedBench, act) -> None:
    bench.places.interlude = lambda: None
    act()


def _deny(bench: AdoptedBench) -> None:
    bench.places.denied = True
    raise Unreachable("denied", hint="let the policy have it")


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda name: name != "token"), _TREES, max_size=5))
@settings(max_examples=25, deadline=None)
def test_whatever_else_is_there_stays(others):
    bench = AdoptedBench()
    token, old = bench.adopt()
    bench.places.put(URL, **{"zone": "eu", **others, "token": old})
    bench.engine.rotate(token)
    assert {name: each for name, each in bench.places.fields(URL).items() if name != "token"} == {
        "zone": "eu",
        **others,
    }
    assert bench.there != old
    assert bench.provider.probe(Value.of(str(bench.there)), DRIVE).verdict is Verdict.ALIVE
