"""Two processes on one token: the first is stopped (SIGSTOP) before an effect, the second ends the rotation, the first
wakes up with what it knew. It must be fenced, or clean up after itself."""

import random

import pytest

from tests.faults.conftest import Worlds
from tests.faults.rotation_faults import SEED
from tests.faults.rotation_killing import NAME, RealWorld
from tests.faults.rotation_verdicts import MODES, bring_to_its_end, check_all_is_well, undisturbed

BESIDE = "--concurrent"
"""On AWS whoever works beside a runner that is alive has to say so."""
STOPPED_LATE = {4, 5}
"""How a runner ends that finds another one was first: told so, or that the death is not proven by its own hand."""


@pytest.mark.parametrize("mode", MODES)
def test_a_runner_that_slept_is_fenced(worlds: Worlds, mode: str):
    print(f"ROTATION_SEED={SEED}")
    effects = _effects(worlds, "autoposting", mode)
    index = random.Random(SEED).randrange(len(effects))
    _overtaken(worlds, "autoposting", mode, index, effects)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("provider", ["autoposting", "descript"])
@pytest.mark.parametrize("mode", MODES)
def test_a_runner_that_slept_before_any_effect_is_fenced(worlds: Worlds, provider: str, mode: str):
    effects = _effects(worlds, provider, mode)
    for index in range(len(effects)):
        _overtaken(worlds, provider, mode, index, effects)


def test_a_runner_that_slept_while_its_rotation_was_undone_does_not_do_it_again(worlds: Worlds):
    """The other runner aborts: the old token stays, and what the sleeper makes all the same is ended."""
    effects = _effects(worlds, "autoposting", "planned")
    for call in ("issuer.create", "store.publish"):
        _undone(worlds, effects.index(call), effects)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_runner_that_slept_before_any_effect_while_its_rotation_was_undone(worlds: Worlds):
    effects = _effects(worlds, "autoposting", "planned")
    for index in range(1, effects.index("issuer.revoke") - 1):
        _undone(worlds, index, effects)


def _effects(worlds: Worlds, provider: str, mode: str) -> tuple[str, ...]:
    with worlds("clean", provider) as world:
        return undisturbed(world, mode)


def _overtaken(worlds: Worlds, provider: str, mode: str, index: int, effects: tuple[str, ...]) -> None:
    where = f"{provider} {mode}: stopped before effect {index}, {effects[index]}"
    with worlds(f"over-{index}", provider) as world:
        old = world.read().live
        sleeper = _stopped(world, where, index, *MODES[mode])
        bring_to_its_end(world, where, old, mode, BESIDE)
        _woken(world, where, sleeper)
        check_all_is_well(world, where, old)


def _undone(worlds: Worlds, index: int, effects: tuple[str, ...]) -> None:
    where = f"undone before effect {index}, {effects[index]}"
    with worlds(f"undone-{index}", "autoposting") as world:
        old = world.read().live
        sleeper = _stopped(world, where, index)
        assert world.run("rotate", NAME, "--abort", BESIDE).code == 0, (where, world.output())
        _woken(world, where, sleeper)
        assert world.read().live == world.delivered() == old, where
        assert [each.secret.reveal() for each in world.living()] == [old], (where, world.output())
        assert world.run("audit", "verify").code == 0, (where, world.output())


def _stopped(world: RealWorld, where: str, index: int, *how: str) -> int:
    sleeper = world.run("rotate", NAME, *how, index=index, how="stop").stopped
    assert sleeper, (where, "it ran past the boundary", world.output())
    return sleeper


def _woken(world: RealWorld, where: str, sleeper: int) -> None:
    ended = world.go_on(sleeper)
    assert ended.code in STOPPED_LATE, (where, ended.code, world.output())
