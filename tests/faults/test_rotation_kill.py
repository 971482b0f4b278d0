"""kill -9 at every effect of a real rotation: real stores, real HTTP, real command line; then `--resume` elsewhere."""

import random
import signal

import pytest

from tests.faults.conftest import Worlds
from tests.faults.rotation_faults import SEED
from tests.faults.rotation_killing import NAME, Launcher, RealWorld
from tests.faults.rotation_verdicts import (
    MODES,
    bring_to_its_end,
    check_all_is_well,
    check_nothing_is_lost,
    undisturbed,
)
from tokenguard.sandbox.fault_settings import Operation

KILLED = -signal.SIGKILL
HOWS = ("before", "after", "no reply")
"""Dead before the effect, dead in the moment after it, or alive and told that no reply came."""

every_provider = pytest.mark.parametrize("provider", ["autoposting", "descript"])
every_mode = pytest.mark.parametrize("mode", MODES)


@every_provider
@every_mode
def test_kill_at_some_effects(worlds: Worlds, provider: str, mode: str):
    """A few failpoints of every rotation at every run; which ones, the seed says."""
    print(f"ROTATION_SEED={SEED}")
    effects = _undisturbed(worlds, provider, mode)
    points = [(index, how) for index in range(len(effects)) for how in HOWS]
    for index, how in random.Random(SEED).sample(points, 2):
        _killed_and_resumed(worlds, provider, mode, index, how, effects)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@every_provider
@every_mode
@pytest.mark.parametrize("how", HOWS)
def test_kill_at_every_effect(worlds: Worlds, provider: str, mode: str, how: str):
    """Every failpoint is hit, and none loses a token, leaves one unnamed, or lets the old one live."""
    effects = _undisturbed(worlds, provider, mode)
    for index in range(len(effects)):
        _killed_and_resumed(worlds, provider, mode, index, how, effects)


@pytest.mark.parametrize("operation", [Operation.KEY_CREATE, Operation.KEY_DELETE])
def test_a_reply_that_is_lost_on_the_wire(launcher: Launcher, tmp_path, operation: Operation):
    """The provider has done it and the connection is gone: nothing is repeated blindly, and the resume ends it."""
    with RealWorld(launcher, tmp_path / "world", "autoposting") as world:
        old = world.read().live
        world.sandbox.knobs.drop_reply_after_commit[operation] = 1
        first = world.run("rotate", NAME)
        assert first.code == {Operation.KEY_CREATE: 4, Operation.KEY_DELETE: 5}[operation], world.output()
        check_nothing_is_lost(world, operation, gap=False)
        bring_to_its_end(world, operation, old, "planned")
        check_all_is_well(world, operation, old)


def test_the_rotation_has_all_the_effects_that_are_to_be_killed(launcher: Launcher, tmp_path):
    """A campaign that never reaches an effect proves nothing about it."""
    met = set[str]()
    for provider in ("autoposting", "descript"):
        with RealWorld(launcher, tmp_path / provider, provider) as world:
            met |= set(undisturbed(world, "planned"))
    assert met == {"store.commit", "store.put_candidate", "store.publish", "issuer.create", "issuer.revoke",
                   "operator.paste", "operator.done", "delivery.push"}  # fmt: skip


def _undisturbed(worlds: Worlds, provider: str, mode: str) -> tuple[str, ...]:
    with worlds("clean", provider) as world:
        return undisturbed(world, mode)


def _killed_and_resumed(
    worlds: Worlds, provider: str, mode: str, index: int, how: str, effects: tuple[str, ...]
) -> None:
    where = f"{provider} {mode}: {how} effect {index}, {effects[index]}"
    with worlds(f"{index}-{how}", provider) as world:
        old = world.read().live
        first = world.run("rotate", NAME, *MODES[mode], index=index, how=how)
        if how == "no reply":
            assert first.code in {3, 4, 5, 130} or effects[index] == "store.put_candidate", (where, world.output())
        else:
            assert first.code == KILLED, (where, "the failpoint was not hit", world.output())
        check_nothing_is_lost(world, where, gap=mode == "compromised")
        bring_to_its_end(world, where, old, mode)
        check_all_is_well(world, where, old)
