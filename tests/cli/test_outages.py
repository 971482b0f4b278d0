"""A provider that refuses every credential, through every verb: each ends in truth or in *unknown*; nothing is lost."""

import pytest

from tests.fakes.world import FakeIssuer
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.names import token_name
from tokenguard.domain.secret import Value

NAME, OTHER = "video/app/prod/upload", "video/app/dev/upload"
FIELDS = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "p")
VERBS = {
    "rotate": ("rotate", NAME),
    "rotate --compromised": ("rotate", NAME, "--compromised"),
    "retire": ("retire", NAME, "--yes"),
    "verify": ("verify", "--all"),
    "upkeep": ("upkeep",),
}
DAYS = 86_400.0


def document(cli, name=NAME):
    return cli.store.find(token_name(name)).document


def concluded(cli) -> list[str]:
    """What is said of tokens that may not be said in an outage."""
    said = []
    for snapshot in cli.store.scan():
        record, journal = snapshot.document.record, snapshot.document.journal
        said += [f"{record.name} is dead"] if record.seen and record.seen.verdict is Verdict.DEAD else []
        proof = journal.proof if journal else None
        said += [f"{record.name}: {proof.words}"] if proof and proof.last_at > cli.began else []
    return said


def values(cli) -> set[str]:
    return {held.token.reveal() for held in cli.store._slots.values() if isinstance(held, Value)}


@pytest.fixture
def world(cli):
    """Two tokens; one has an old value that is due to be looked at again."""
    for name in (NAME, OTHER):
        cli.add(name)
        assert cli("edit", name, "--no-consumers").code == 0
    assert cli("rotate", OTHER).code == 0
    cli.clock.sleep(2 * DAYS)
    cli.began = cli.clock.now()
    return cli


@pytest.mark.parametrize("verb", VERBS)
def test_an_outage_that_was_there_before_concludes_nothing_and_destroys_nothing(world, verb):
    before = values(world)
    world.world.outage = True
    for _ in range(2):
        assert world(*VERBS[verb]).code in {3, 4, 5}
    assert concluded(world) == []
    assert before <= values(world)
    world.world.outage = False
    assert world("rotate", "--resume").code == 0
    assert world("verify", "--all").code in {0, 1}
    living = {made.value for made in world.world.living()}
    assert living <= values(world), "what is accepted is in the store"


@pytest.mark.parametrize("verb", ["rotate", "rotate --compromised", "retire"])
@pytest.mark.parametrize("step", ["create", "revoke", "listed"])
def test_an_outage_that_begins_at_a_step_ends_in_truth_when_it_is_over(world, monkeypatch, verb, step):
    real, before = getattr(FakeIssuer, step), values(world)

    def then_an_outage(self, *arguments):
        try:
            return real(self, *arguments)
        finally:
            world.world.outage = True

    monkeypatch.setattr(FakeIssuer, step, then_an_outage)
    first = world(*VERBS[verb])
    monkeypatch.undo()
    if not world.world.outage:
        assert first.code == 0, "the step is none of this verb's"
        return
    assert first.code in {3, 4, 5}
    for again in (("rotate", "--resume"), ("verify", "--all"), ("upkeep",)):
        assert world(*again).code in {3, 4, 5}, again
    assert concluded(world) == []
    assert before <= values(world)
    world.world.outage = False
    assert world("rotate", "--resume").code == 0
    proof = document(world).journal.proof
    assert proof is None or proof.proven
    living = {made.value for made in world.world.living()}
    assert living <= values(world)
    assert world("verify", "--all").code == 0
    assert world("audit", "verify").code == 0


def test_a_value_that_is_added_in_an_outage_is_not_taken_and_one_that_is_issued_leaves_no_orphan(world):
    world.world.outage = True
    value = world.world.create("by-hand").value
    refused = world.refused("add", "a/given", *FIELDS, "--no-consumers", "--stdin", stdin=value, code=4)
    assert "which suggests an outage" in refused
    assert world.store.find(token_name("a/given")) is None
    assert world("add", "a/made", *FIELDS, "--no-consumers", "--issue").code in {3, 4}
    assert len(world.world.made) == 4, "two to begin with, a rotation's, and the one made by hand"
    world.world.outage = False
    assert world("rotate", "--resume").code == 0
