"""kill -9 at every effect of a real rotation: real store, real HTTP, real command line; then `--resume` elsewhere."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rotation_faults import SEED
from tests.faults.rotation_killing import NAME, Launcher, RealWorld
from tokenguard.sandbox.knobs import Operation

MODES = {"planned": (), "compromised": ("--compromised", "--reason", "seen in a ticket")}
KILLED = -signal.SIGKILL
HOWS = ("before", "after", "no reply")
"""Dead before the effect, dead in the moment after it, or alive and told that no reply came."""

every_provider = pytest.mark.parametrize("provider", ["autoposting", "descript"])
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher() as warm:
        yield warm


@every_provider
@every_mode
def test_kill_at_some_effects(launcher: Launcher, tmp_path: Path, provider: str, mode: str):
    """A few failpoints of every rotation at every run; which ones, the seed says."""
    print(f"ROTATION_SEED={SEED}")
    effects = _undisturbed(launcher, tmp_path / "clean", provider, mode)
    points = [(index, how) for index in range(len(effects)) for how in HOWS]
    for index, how in random.Random(SEED).sample(points, 2):
        _killed_and_resumed(launcher, tmp_path / f"{index}-{how}", provider, mode, index, how, effects)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@every_provider
@every_mode
@pytest.mark.parametrize("how", HOWS)
def test_kill_at_every_effect(launcher: Launcher, tmp_path: Path, provider: str, mode: str, how: str):
    """Every failpoint is hit, and none loses a token, leaves one unnamed, or lets the old one live."""
    effects = _undisturbed(launcher, tmp_path / "clean", provider, mode)
    for index in range(len(effects)):
        _killed_and_resumed(launcher, tmp_path / f"{index}", provider, mode, index, how, effects)


@pytest.mark.parametrize("operation", [Operation.KEY_CREATE, Operation.KEY_DELETE])
def test_a_reply_that_is_lost_on_the_wire(launcher: Launcher, tmp_path: Path, operation: Operation):
    """The provider has done it and the connection is gone: nothing is repeated blindly, and the resume ends it."""
    with RealWorld(launcher, tmp_path / "world", "autoposting") as world:
        old = world.read().live
        world.sandbox.knobs.drop_reply_after_commit[operation] = 1
        first = world.run("rotate", NAME)
        assert first.code == {Operation.KEY_CREATE: 4, Operation.KEY_DELETE: 5}[operation], world.output()
        _nothing_is_lost(world, operation, gap=False)
        _resumed(world, operation, old, "planned")
        assert [each.secret.reveal() for each in world.living()] == [world.read().live]
        assert not world.accepted(old)


def test_the_rotation_has_all_the_effects_that_are_to_be_killed(launcher: Launcher, tmp_path: Path):
    """A campaign that never reaches an effect proves nothing about it."""
    met = {
        effect
        for provider in ("autoposting", "descript")
        for effect in _undisturbed(launcher, tmp_path / provider, provider, "planned")
    }
    assert met == {"store.commit", "store.put_candidate", "store.publish", "issuer.create", "issuer.revoke",
                   "operator.paste", "operator.done", "delivery.push"}  # fmt: skip


def _undisturbed(launcher: Launcher, directory: Path, provider: str, mode: str) -> tuple[str, ...]:
    with RealWorld(launcher, directory, provider) as world:
        ran = world.run("rotate", NAME, *MODES[mode])
        assert ran.code == 0, world.output()
        return ran.effects


def _killed_and_resumed(
    launcher: Launcher, directory: Path, provider: str, mode: str, index: int, how: str, effects: tuple[str, ...]
) -> None:
    where = f"{provider} {mode}: {how} effect {index}, {effects[index]}"
    with RealWorld(launcher, directory, provider) as world:
        old = world.read().live
        first = world.run("rotate", NAME, *MODES[mode], index=index, how=how)
        if how == "no reply":
            assert first.code in {3, 4, 5, 130} or effects[index] == "store.put_candidate", (where, world.output())
        else:
            assert first.code == KILLED, (where, "the failpoint was not hit", world.output())
        _nothing_is_lost(world, where, gap=mode == "compromised")
        _resumed(world, where, old, mode)
        assert not world.accepted(old), (where, "the old token is accepted after exit 0")
        seen = world.read()
        living = world.living()
        assert [each.secret.reveal() for each in living] == [seen.live], (where, len(living), world.output())
        assert world.delivered() == seen.live, where
        assert world.run("audit", "verify").code == 0, (where, world.output())
        output = world.output()
        assert not any(value in output for value in world.sandbox.world.values), where


def _nothing_is_lost(world: RealWorld, where: str, *, gap: bool) -> None:
    """Right after the death, before anybody has resumed."""
    seen = world.read()
    unnamed = {each.name for each in world.living()} - seen.labels
    assert not unnamed, (where, f"nobody knows of {unnamed}")
    if not gap:
        assert world.accepted(seen.live), (where, "the store serves a dead token")
        assert world.accepted(world.delivered()), (where, "the consumer holds a dead token")


def _resumed(world: RealWorld, where: str, old: str, mode: str) -> None:
    """By a fresh process; a rotation that died before it was opened is begun again."""
    again = world.run("rotate", NAME, "--resume")
    if again.code == 0 and world.read().live == old:
        again = world.run("rotate", NAME, *MODES[mode])
    assert again.code == 0, (where, again.code, world.output())
