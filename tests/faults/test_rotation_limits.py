"""A provider that asks for patience: up to a minute every verb waits, beyond it stops with the number and goes on later."""

import itertools

import pytest

from tests.faults.test_listing_worlds import NAME, VERBS, failure, scene
from tokenguard.errors import ExitCode
from tokenguard.inventory.verification import VerificationResult, verify
from tokenguard.sandbox.fault_settings import FaultBurst, FaultSettings

ROTATIONS = ["issue", "rotate", "rotate --compromised", "retire"]


@pytest.mark.parametrize("verb", ROTATIONS)
@pytest.mark.parametrize("wait", ["1", "60", "Sun, 01 Nov 2026 09:00:40 GMT"])
def test_one_429_fails_nothing(verb, wait, tmp_path):
    with scene(tmp_path) as played:
        if verb != "issue":
            played.engine.issue(played.record())
        played.sandbox.knobs.status_storm = FaultBurst(status=429, count=1, retry_after=wait)
        assert failure(lambda: VERBS[verb](played)) is None
        assert played.ours() == played.served()


@pytest.mark.parametrize("verb", ROTATIONS)
@pytest.mark.parametrize("after", range(0, 12, 3))
def test_a_longer_wait_stops_with_its_number_and_the_line_that_resumes(verb, after, tmp_path, monkeypatch):
    """Wherever in the operation it strikes; `after` requests are answered before."""
    with scene(tmp_path) as played:
        if verb != "issue":
            played.engine.issue(played.record())
        answered = itertools.count()
        before, calls = played.clock.monotonic(), played.sandbox.world.calls.total()
        with monkeypatch.context() as patch:
            patch.setattr(
                FaultSettings,
                "next_fault",
                lambda _self: FaultBurst(429, 1, "3600") if next(answered) >= after else None,
            )
            stopped = failure(lambda: VERBS[verb](played))
        if stopped is None:
            assert played.sandbox.world.calls.total() - calls <= after, "it was done before the storm"
        else:
            told = f"{stopped.message} {stopped.hint} {' '.join(played.progress.lines)}"
            assert stopped.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_PROVEN_DEAD}
            assert "3,600 s" in told
            assert f"tokenguard rotate {NAME}" in stopped.hint
            assert played.clock.monotonic() - before < 600
            if played.store.find(NAME).document.busy:
                played.engine.resume(played.token())
            elif verb.startswith("rotate"):
                VERBS[verb](played)
        assert played.ours() == played.served()


def test_a_look_waits_as_well_and_says_when_it_does_not(tmp_path):
    with scene(tmp_path) as played:
        snapshot = played.engine.issue(played.record())

        def look():
            return verify(
                played.store, played.clock, lambda _record: played.provider, played.store.load(snapshot.id),
                controlled=lambda _record, _value: True,
            )  # fmt: skip

        played.sandbox.knobs.status_storm = FaultBurst(status=429, count=2, retry_after="30")
        assert look().result is VerificationResult.ALIVE
        played.sandbox.knobs.status_storm = FaultBurst(status=429, count=1, retry_after="300")
        found = look()
        assert (found.result, found.seen.retry_after) == (VerificationResult.UNKNOWN, 300)
        assert "300 s" in found.seen.explained
