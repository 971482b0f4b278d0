"""A clock that is set while a rotation is open, or is another machine's: no wait becomes shorter for it."""

from contextlib import suppress
from datetime import timedelta

import pytest

from tests.faults.rotation_scenario import stumble_at_creation
from tests.unit.rotation_bench import Bench, finished
from tokenguard.errors import TokenguardError
from tokenguard.frozen import replace

LAG = 60.0


def late_list(bench: Bench) -> Bench:
    """Let the provider list a token so many seconds after it was made, and take as long to forget one."""
    issuer, made_at = bench.issuer, dict[str, float]()
    listed = issuer.listed

    def listed_late():
        now = bench.clock.monotonic()
        found = listed()
        rows = [row for row in found.rows if now - made_at.setdefault(row.provider_id, now) >= LAG]
        return replace(found, rows=tuple(rows))

    issuer.listed = listed_late
    return bench


def set_clock(bench: Bench, step: timedelta) -> None:
    """The wall clock alone: what the machine counts in seconds goes on."""
    bench.clock._start += step


@pytest.mark.parametrize("step", [timedelta(minutes=2), timedelta(minutes=30), timedelta(days=30)], ids=str)
@pytest.mark.parametrize("way", ["abort", "resume"])
def test_a_lost_token_is_found_although_the_clock_was_set_forward(step, way):
    bench = late_list(Bench(capabilities={"list_lag": timedelta(seconds=LAG)}))
    token, old = bench.add()
    bench.issuer.listed()
    bench.clock.sleep(LAG)
    with stumble_at_creation(bench), suppress(TokenguardError):
        bench.engine.rotate(token)
    (lost,) = [made for made in bench.world.living() if made.id != old.id]
    bench.issuer.listed()  # the provider has it, and does not list it yet
    set_clock(bench, step)
    getattr(bench.engine, way)(token)
    assert lost not in bench.world.living()
    assert len(bench.world.living()) == 1


@pytest.mark.parametrize("step", [timedelta(0), timedelta(minutes=1), timedelta(minutes=4)], ids=str)
def test_a_revoke_has_its_time_although_the_clock_was_set_forward(step, monkeypatch):
    """Where only the list can prove a death, a token may be accepted for as long as the provider says."""
    lag = 120.0
    bench = Bench(revoke_lag=lag, capabilities={"probe": False})
    token, old = bench.add()

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped, suppress(KeyboardInterrupt):
        stopped.setattr(bench.clock, "sleep", interrupted)  # in the wait for the revoke to take effect
        bench.engine.rotate(token)
    assert bench.journal(token).revoked_at
    assert old in bench.world.living()
    set_clock(bench, step)
    assert finished(bench.engine.resume(token))
    assert old not in bench.world.living()
