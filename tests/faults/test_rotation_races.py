"""Races between runners, and double deaths, that model and simulation found, replayed on the real engine."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.faults.rotation_faults import Fault
from tests.faults.rotation_scenario import Scenario
from tests.unit.rotation_bench import APP, Bench
from tokenguard.domain.journal import Stage
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, Fenced, NotProvenDead, TokenguardError, Unreachable
from tokenguard.ports.provider import Ambiguous


class Meanwhile:
    """Lets something else happen once, right before or right after a call of one object."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def before(self, target: object, call: str, act: Callable[..., None]) -> None:
        self._around(target, call, act, lambda *_: None)

    def after(self, target: object, call: str, act: Callable[..., None]) -> None:
        self._around(target, call, lambda *_: None, act)

    def _around(self, target: object, call: str, first: Callable[..., None], last: Callable[..., None]) -> None:
        real = getattr(target, call)

        def once(*arguments: Any, **options: Any) -> Any:
            self._patch.setattr(target, call, real)
            first(*arguments)
            answer = real(*arguments, **options)
            last(*arguments)
            return answer

        self._patch.setattr(target, call, once)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    return Meanwhile(monkeypatch)


def all_is_well(bench: Bench, token: TokenId) -> None:
    assert [made.value for made in bench.world.living()] == [bench.live_value(token)]
    assert bench.deliveries.delivery.held[APP] == bench.live_value(token)


def test_what_one_runner_has_begun_to_end_no_other_adopts(meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch):
    bench = Bench()
    token, _ = bench.add()

    def made_and_asleep(wanted: Any) -> Any:
        bench.world.create(wanted.label)
        raise Ambiguous("no answer", hint="resume")

    with monkeypatch.context() as patch:
        patch.setattr(bench.issuer, "create", made_and_asleep)
        with pytest.raises(Ambiguous):
            bench.engine.rotate(token)
    label, made = bench.journal(token).attempts[-1].label, list(bench.world.made.values())[-1]

    def the_sleeper_stores_it(*_: object) -> None:
        bench.store.put_candidate(token, label, Value.of(made.value))
        meanwhile.after(bench.store, "commit", lambda *_: bench.runner("three").resume(token))

    meanwhile.after(bench.store, "read_candidate", the_sleeper_stores_it)
    with pytest.raises(Fenced):
        bench.runner("two").resume(token)
    assert bench.journal(token).stage is Stage.DONE
    all_is_well(bench, token)


def test_a_value_whose_storing_is_in_doubt_is_not_ended(monkeypatch: pytest.MonkeyPatch):
    """The store took it, its answers are lost, and another runner has adopted it by the time the first gives up."""
    bench = Bench()
    token, _ = bench.add()
    real, waited = bench.store.put_candidate, bench.clock.sleep

    def answers_are_lost(*arguments: Any) -> None:
        with suppress(Conflict):
            real(*arguments)
        raise Unreachable("no answer", hint="resume")

    def another_goes_on(seconds: float) -> None:
        monkeypatch.setattr(bench.clock, "sleep", waited)
        bench.runner("two").resume(token)

    monkeypatch.setattr(bench.store, "put_candidate", answers_are_lost)
    monkeypatch.setattr(bench.clock, "sleep", another_goes_on)
    with pytest.raises(TokenguardError):
        bench.engine.rotate(token)
    assert bench.journal(token).stage is Stage.DONE
    all_is_well(bench, token)


def test_a_publish_that_comes_during_an_undo_is_refused(meanwhile: Meanwhile):
    bench = Bench()
    token, old = bench.add()
    late: list[str] = []

    def undone(_: object, label: Any, pinned: int) -> None:
        def published_late(*_: object) -> None:
            with pytest.raises(Conflict):
                bench.store.publish(token, label, pinned)
            late.append(bench.live_value(token))

        meanwhile.before(bench.issuer, "revoke", published_late)
        bench.runner("two").abort(token)

    meanwhile.before(bench.store, "publish", undone)
    with pytest.raises(TokenguardError):
        bench.engine.rotate(token)
    assert late == [old.value]
    assert bench.journal(token).stage is Stage.ABORTED
    assert bench.live_value(token) == old.value
    all_is_well(bench, token)


def test_what_a_person_made_too_late_is_asked_to_be_revoked(meanwhile: Meanwhile, words):
    """The prompt was still open when another runner had gone on and finished."""
    bench = Bench(guided=True)
    token, _ = bench.add()

    def another_goes_on(*_: object, **__: object) -> None:
        with pytest.raises(NotProvenDead):  # that the first attempt is absent is what a person says
            bench.runner("two").resume(token)

    meanwhile.before(bench.operator, "paste", another_goes_on)
    with pytest.raises(Fenced) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    assert bench.journal(token).stage is Stage.DONE
    all_is_well(bench, token)


@pytest.mark.parametrize("further", ["abort", "rotate"])
def test_a_delivery_that_comes_too_late_is_put_right_by_who_made_it(meanwhile: Meanwhile, further: str):
    """Nothing fences a file: between the late write and its correction is the one gap that docs/rotation.md names."""
    bench = Bench()
    token, _ = bench.add()

    def another_goes_on(*_: object) -> None:
        if further == "abort":
            bench.runner("two").abort(token)
        else:
            bench.runner("two").resume(token)
            bench.runner("two").rotate(token)

    meanwhile.before(bench.deliveries.delivery, "push", another_goes_on)
    with pytest.raises(Fenced):
        bench.engine.rotate(token)
    all_is_well(bench, token)


def test_a_fence_that_was_put_before_a_crash_is_found_again():
    """Two deaths: after the intent, and between the tombstone and the word of it. The person is asked again, no more."""
    Scenario("issue", {2: Fault.CRASH_AFTER, 7: Fault.CRASH_AFTER}, guided=True).run()
