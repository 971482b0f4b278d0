"""What must be true of a world in which a rotation was killed, stopped or lost: right then, and when it is over."""

from tests.faults.rotation_killing import NAME, RealWorld

MODES = {"planned": (), "compromised": ("--compromised", "--reason", "seen in a ticket")}


def undisturbed(world: RealWorld, mode: str) -> tuple[str, ...]:
    """A rotation that nothing happens to; its effects in their order."""
    ran = world.run("rotate", NAME, *MODES[mode])
    assert ran.code == 0, world.output()
    return ran.effects


def check_nothing_is_lost(world: RealWorld, where: str, *, gap: bool) -> None:
    """Right after the death, before anybody has resumed."""
    seen = world.read()
    unnamed = {each.name for each in world.living()} - seen.labels
    assert not unnamed, (where, f"nobody knows of {unnamed}")
    if not gap:
        assert world.accepted(seen.live), (where, "the store serves a dead token")
        assert world.accepted(world.delivered()), (where, "the consumer holds a dead token")


def bring_to_its_end(world: RealWorld, where: str, old: str, mode: str, *more: str) -> None:
    """By a fresh process; a rotation that died before it was opened is begun again."""
    again = world.run("rotate", NAME, "--resume", *more)
    if again.code == 0 and world.read().live == old:
        again = world.run("rotate", NAME, *MODES[mode], *more)
    if again.code == 5 and world.by_hand:
        # The person was asked about a token that the dead process may have had created; what they say proves nothing.
        assert world.reconcile().code == 0, (where, world.output())
        again = world.run("rotate", NAME, "--resume", *more)
    assert again.code == 0, (where, again.code, world.output())


def check_all_is_well(world: RealWorld, where: str, old: str) -> None:
    """Exactly one token lives: the one that the store serves and the consumer holds. The trail is whole, and no value
    was ever printed."""
    assert not world.accepted(old), (where, "the old token is accepted after exit 0")
    seen = world.read()
    living = world.living()
    assert [each.secret.reveal() for each in living] == [seen.live], (where, len(living), world.output())
    assert world.delivered() == seen.live, where
    assert world.run("audit", "verify").code == 0, (where, world.output())
    output = world.output()
    assert not any(value in output for value in world.sandbox.world.values), where
