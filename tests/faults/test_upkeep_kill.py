"""kill -9 of `upkeep` at its lines of progress and at its effects: the next run ends as one that nothing happens to.

Two tokens are due, and of a third one an operation is open whose create request got no answer: its token lives.
"""

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Worlds
from tests.faults.rotation_faults import LINES, SEED
from tests.faults.rotation_killing import NAME, Launcher, RealWorld
from tokenguard.sandbox.fault_settings import Operation

DUE, OPEN = (NAME, "video/other/prod"), "video/open/prod"
NAMES = (*DUE, OPEN)
CREATES = "POST /api-proxy/api-keys"
KILLS = 3
"""In a row, each in the middle of what the one before it left."""


def prepare(world: RealWorld) -> None:
    world.add("video/other/prod")
    world.add(OPEN)
    world.sandbox.knobs.drop_reply_after_commit[Operation.KEY_CREATE] = 1
    assert world.run("rotate", OPEN).code == 4, world.output()
    for name in DUE:
        assert world.run("edit", name, "--due", "2026-10-01").code == 0, world.output()


def upkeep(world: RealWorld, **killed: Any) -> Any:
    return world.run("upkeep", lines=True, **killed)


def state(world: RealWorld) -> dict[str, object]:
    """What is so at the end, without what differs between two worlds."""
    return {**tokens(world), "living": len(world.living())}


def tokens(world: RealWorld) -> dict[str, dict[str, object]]:
    with world.opened() as store:
        found = {}
        for name in NAMES:
            snapshot = store.find(name)
            document, live = snapshot.document, store.read_live(snapshot.id)
            found[name] = {
                "served": live is not None and world.accepted(live.value.token.reveal()),
                "delivered": live is not None and world.delivered(name) == live.value.token.reveal(),
                "stage": document.journal.stage,
                "record": (document.record.state, document.record.due_at, document.record.seen.verdict),
                "proven": all(each.proof.proven for each in document.quarantine),
            }
    return found


def names_on_record(world: RealWorld) -> set[str]:
    with world.opened() as store:
        found = set()
        for name in NAMES:
            snapshot = store.find(name)
            found |= {str(entry.event.detail.get("label", "")) for entry in store.history(snapshot.id)}
            found |= {snapshot.document.record.label}
        return found


def test_killed_again_and_again_it_ends_as_if_it_had_not_been(launcher: Launcher, tmp_path: Path):
    print(f"ROTATION_SEED={SEED}")
    ends_alike(lambda name: RealWorld(launcher, tmp_path / name, "autoposting"), worlds=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_on_every_store(worlds: Worlds):
    print(f"ROTATION_SEED={SEED}")
    ends_alike(lambda name: worlds(name, "autoposting"), worlds=10)


def ends_alike(make: Callable[[str], RealWorld], *, worlds: int) -> None:
    with make("clean") as world:
        prepare(world)
        made = world.sandbox.world.calls[CREATES]
        ran = upkeep(world)
        assert ran.code == 0, world.output()
        assert set(ran.effects) >= {*LINES - {"progress.note"}, "store.commit", "store.put_candidate", "store.publish",
                                    "issuer.create", "issuer.revoke", "delivery.push"}  # fmt: skip
        expected, made = state(world), world.sandbox.world.calls[CREATES] - made
        assert expected["living"] == len(NAMES)
    chosen = random.Random(SEED)
    for number in range(worlds):
        with make(f"killed-{number}") as world:
            prepare(world)
            before = world.sandbox.world.calls[CREATES]
            lost = sum(killed(world, chosen, ran.effects) for _ in range(KILLS))
            assert upkeep(world).code == 0, world.output()
            assert state(world) == expected, world.output()
            assert world.sandbox.world.calls[CREATES] - before == made + lost, "a token was made that is not needed"
            assert world.run("audit", "verify").code == 0, world.output()
            assert not any(value in world.output() for value in world.sandbox.world.values)


def killed(world: RealWorld, chosen: random.Random, effects: tuple[str, ...]) -> bool:
    """Kill one run at a line or at a write, as often at the one as at the other; whether a value was lost with it."""
    lines = chosen.random() < 0.5
    index = chosen.choice([place for place, effect in enumerate(effects) if (effect in LINES) is lines])
    how = chosen.choice(("before", "after"))
    ran = upkeep(world, index=index, how=how)
    where = f"{how} {index}: {ran.effects[-1]}"
    if ran.code != -signal.SIGKILL:  # less was left to do
        assert ran.code == 0, (where, world.output())
        return False
    unnamed = {each.name for each in world.living()} - names_on_record(world)
    assert not unnamed, (where, unnamed)
    assert all(each["served"] for each in tokens(world).values()), where
    done = [effect for effect in (ran.effects[:-1] if how == "before" else ran.effects) if effect not in LINES]
    return done[-1:] == ["issuer.create"]
