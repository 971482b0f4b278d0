"""The leader of three OpenBao nodes dies in the middle of a rotation: the runner follows the new one, nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rotation_homes import VaultHome
from tests.faults.rotation_killing import NAME, Launcher, Ran, RealWorld
from tests.faults.rotation_verdicts import (
    MODES,
    bring_to_its_end,
    check_all_is_well,
    check_nothing_is_lost,
    undisturbed,
)
from tests.integration.raft import Cluster, cluster

RESUMABLE = {3, 4, 5}


@pytest.fixture(scope="module")
def raft() -> Iterator[Cluster]:
    with cluster() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def planned(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The effects of a rotation: the same on every store."""
    with RealWorld(launcher, tmp_path_factory.mktemp("planned") / "world", "autoposting") as world:
        return undisturbed(world, "planned")


@pytest.fixture
def world(raft: Cluster, launcher: Launcher, tmp_path: Path) -> Iterator[RealWorld]:
    raft.revive()
    with _world(raft, launcher, tmp_path / "world") as made:
        yield made


def _world(raft: Cluster, launcher: Launcher, directory: Path, *, real_time: bool = True) -> RealWorld:
    home = VaultHome(raft.urls, raft.root_token)
    home.environ |= {"REAL_TIME": "1"} if real_time else {}
    return RealWorld(launcher, directory, "autoposting", home)


def _loses_its_leader(raft: Cluster, world: RealWorld, mode: str, index: int) -> Ran:
    """A rotation whose leader dies just before effect number `index`."""
    standing = world.run("rotate", NAME, *MODES[mode], index=index, how="stop")
    assert standing.stopped, world.output()
    raft.kill_active()
    return world.go_on(standing.stopped)


@pytest.mark.parametrize("call", ["store.put_candidate", "issuer.revoke"])
def test_a_rotation_follows_the_new_leader(raft: Cluster, world: RealWorld, planned: tuple[str, ...], call: str):
    """Killed while the new value is in memory only, and between the revoke's intent and its outcome."""
    old = world.read().live
    ended = _loses_its_leader(raft, world, "planned", planned.index(call))
    assert ended.code == 0, world.output()
    assert ended.effects == planned
    check_all_is_well(world, call, old)


@pytest.mark.slow
def test_without_a_majority_a_rotation_stops_and_is_resumed_when_there_is_one(
    raft: Cluster, launcher: Launcher, tmp_path: Path, planned: tuple[str, ...]
):
    """Two of three are gone: no store, so no further effect. The wait for an election is over at once on this clock."""
    raft.revive()
    with _world(raft, launcher, tmp_path / "world", real_time=False) as world:
        old = world.read().live
        standing = world.run("rotate", NAME, index=planned.index("store.publish"), how="stop")
        for _ in range(2):
            raft.kill_active()
        ended = world.go_on(standing.stopped)
        assert ended.code in RESUMABLE, world.output()
        assert "hint: " in world.output()
        raft.revive()
        check_nothing_is_lost(world, "no majority", gap=False)
        bring_to_its_end(world, "no majority", old, "planned")
        check_all_is_well(world, "no majority", old)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", MODES)
def test_a_leader_that_dies_before_any_effect_loses_nothing(
    raft: Cluster, launcher: Launcher, tmp_path: Path, mode: str
):
    raft.revive()
    with _world(raft, launcher, tmp_path / "clean") as world:
        effects = undisturbed(world, mode)
    for index, effect in enumerate(effects):
        where = f"{mode}: the leader died before effect {index}, {effect}"
        with _world(raft, launcher, tmp_path / f"{index}") as world:
            old = world.read().live
            ended = _loses_its_leader(raft, world, mode, index)
            check_nothing_is_lost(world, where, gap=mode == "compromised")
            if ended.code:
                assert ended.code in RESUMABLE, (where, world.output())
                bring_to_its_end(world, where, old, mode)
            check_all_is_well(world, where, old)
        raft.revive()
