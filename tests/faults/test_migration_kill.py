"""kill -9 at every effect of a move between real stores, and the same command again; then its rotation is resumed there."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.secrets_manager.server import FakeAws
from tests.faults.migration_world import Removal
from tests.faults.rotation_homes import AwsHome, Home, LocalHome, VaultHome
from tests.faults.rotation_killing import CLEAN, NAME, Launcher
from tests.faults.rotation_verdicts import check_all_is_well
from tests.integration.openbao import OpenBao

HOWS = {"after": 0, "before": 1, "no reply": 0}
"""Each try gets one effect further than the one before it, and is ended around that effect."""
_MOST_TRIES = 80
Removals = Callable[[str, str], Removal]


@pytest.fixture
def removals(request: pytest.FixtureRequest, launcher: Launcher, tmp_path: Path) -> Removals:
    """Makes a world whose store is to move from one kind of home to another."""

    def home(kind: str, directory: Path) -> Home:
        if kind == "vault":
            server: OpenBao = request.getfixturevalue("openbao")
            return VaultHome([server.url], server.root_token)
        if kind == "aws":
            aws: FakeAws = request.getfixturevalue("fake_aws")
            return AwsHome(aws)
        directory.mkdir(mode=0o700)
        return LocalHome(directory)

    def removal(old: str, new: str) -> Removal:
        homes = [home(kind, tmp_path / place) for place, kind in (("old", old), ("new", new))]
        if old == new == "local":
            homes[1].environ = homes[0].environ
        return Removal(launcher, tmp_path / "world", *homes)

    return removal


@pytest.mark.parametrize("how", ["after", "no reply"])  # what is durable before an effect is so after the one before it
@pytest.mark.parametrize("new", ["local", "vault"])
def test_a_move_that_is_killed_at_every_effect_converges(removals: Removals, new: str, how: str):
    killed_everywhere(removals, "local", new, how)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("new", ["local", "vault", "aws"])
@pytest.mark.parametrize("old", ["local", "vault", "aws"])
def test_a_move_between_any_two_stores_converges(removals: Removals, old: str, new: str, how: str):
    killed_everywhere(removals, old, new, how)


def killed_everywhere(removals: Removals, old: str, new: str, how: str) -> None:
    with removals(old, new) as world:
        tries = [world.migrate(index=HOWS[how], how=how).code]
        while tries[-1] != 0 and len(tries) < _MOST_TRIES:
            world.check_one_home()
            tries.append(world.migrate(index=HOWS[how], how=how).code)
        assert set(tries[:-1]) == {4 if how == "no reply" else -signal.SIGKILL}, (tries, world.output())
        assert tries[-1] == 0, (tries, world.output())
        assert len(tries) > 10, "it was not killed at every effect"
        assert world.migrate(index=CLEAN, how="").effects == (), "there was nothing left to do"
        world.move_in()
        assert world.run("rotate", NAME, "--resume").code == 0, world.output()
        check_all_is_well(world, f"{old} to {new}, {how}", world.old)
