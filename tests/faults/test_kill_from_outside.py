"""kill -9 from outside, of real processes at random moments: no token is lost, forgotten or left alive beside another."""

from pathlib import Path

import pytest

from tests.faults.kill_harness import KillWorld
from tests.faults.rotation_faults import SEED
from tests.faults.rotation_homes import AwsHome, VaultHome

KINDS = ("planned", "compromised", "retire", "add", "apply", "upkeep")
SLOW = {"local": (4, 25), "vault": (2, 25), "aws": (5, 10)}
"""Worlds and kills in each, over each kind of store in `make slow`: 200. A secret of AWS takes some 100 versions a day."""


def campaign(world: KillWorld, kills: int, *, more: int) -> None:
    """Until so many processes have died, each kind of command in turn."""
    print(f"ROTATION_SEED={world.seed}")
    world.kill_one("planned", at="for a new token")  # its request is under way: the reply is lost with the process
    number = 0
    while len(world.kills) < kills:
        world.kill_one(KINDS[number % len(KINDS)], more=min(more, kills - len(world.kills) - 1))
        number += 1
    world.check_served()


@pytest.mark.timeout(300)
def test_twenty_processes_killed_at_random(tmp_path: Path):
    """In chains of up to four: what was to resume dies too."""
    with KillWorld(tmp_path / "world", seed=SEED) as world:
        campaign(world, 20, more=3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", SLOW)
def test_two_hundred_processes_killed_at_random(kind: str, tmp_path: Path, request: pytest.FixtureRequest):
    """Over each kind of store, each second one followed by the death of its resume."""
    worlds, kills = SLOW[kind]
    for number in range(worlds):
        place: dict[str, object] = {}
        if kind == "vault":
            server = request.getfixturevalue("openbao")
            home = VaultHome([server.url], server.root_token)
            place = {"url": home.url, "configuration": home.configuration, "environ": home.environ}
        if kind == "aws":
            cloud = AwsHome(request.getfixturevalue("fake_aws"))
            place = {"url": cloud.url, "configuration": cloud.configuration, "environ": cloud.environ}
        with KillWorld(tmp_path / f"world-{number}", seed=SEED + number, **place) as world:
            campaign(world, kills, more=1)
