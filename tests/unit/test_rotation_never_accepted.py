"""P3: a refusal proves a death only of a value that the provider accepted once; it may refuse all values of a kind.

A provider answers 401 to live tokens from an address that is not allowed, of another kind, or without a permission.
"""

import pytest

from tests.fakes.world import Made
from tests.unit.rotation_bench import Bench
from tests.unit.test_rotation_controls import A_DAY, refuse
from tokenguard.domain.journal import Stage
from tokenguard.domain.liveness import DeathControl, DeathGrade
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead
from tokenguard.frozen import replace
from tokenguard.rotation.keeping import how_to_prove


def unverified(bench: Bench) -> tuple[TokenId, Made]:
    """A token that was added without a look at it, beside one that the provider accepts."""
    token, made = bench.add()
    bench.add("video/upload/dev")
    snapshot = bench.store.load(token)
    record = replace(snapshot.document.record, seen=None, accepted_at=None)
    bench.store.commit(token, snapshot.version, replace(snapshot.document, record=record), [])
    return token, made


def begin(bench: Bench, token: TokenId, end: str) -> None:
    if end == "retire":
        bench.engine.retire(token)
    else:
        bench.engine.rotate(token, compromised=end == "compromised")


def test_a_person_is_asked_to_revoke_a_token_that_was_never_accepted(monkeypatch):
    bench = Bench(guided=True)
    token, made = unverified(bench)
    refuse(bench, monkeypatch, made)
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert not bench.world.alive(made)


def test_its_death_is_proven_by_the_list(monkeypatch):
    bench = Bench()
    token, made = unverified(bench)
    refuse(bench, monkeypatch, made)
    bench.engine.rotate(token)
    assert not bench.world.alive(made)
    proof = bench.journal(token).proof
    assert proof is not None
    assert (proof.grade, proof.controlled_by) == (DeathGrade.PROVISIONAL, DeathControl.LIST)


@pytest.mark.parametrize("end", ["rotate", "compromised", "retire"])
def test_its_refusals_do_not_prove_the_death_that_a_person_asserts(monkeypatch, end):
    bench = Bench(guided=True)
    token, made = unverified(bench)
    refuse(bench, monkeypatch, made)
    monkeypatch.setattr(bench.world, "revoke_label", lambda _label: None)
    with pytest.raises(NotProvenDead):
        begin(bench, token, end)
    journal = bench.journal(token)
    assert bench.world.alive(made)
    assert journal.stage is Stage.DONE
    assert journal.proof is not None
    assert (journal.proof.grade, journal.proof.said_by) == (DeathGrade.ASSERTED, "ada")
    [item] = bench.document(token).quarantine
    assert bench.document(token).possibly_alive == (item,)
    assert "asserted-death" in how_to_prove(bench.document(token).record, item)
    for _ in range(3):
        bench.clock.sleep(A_DAY)
        assert bench.look_again(token) == [None]
    assert bench.store.read_candidate(token, item.label) == Value.of(made.value)


def test_a_later_acceptance_reopens_its_revocation_and_its_refusals_then_prove(monkeypatch):
    bench = Bench(guided=True)
    token, made = unverified(bench)
    with monkeypatch.context() as refused:
        refuse(bench, refused, made)
        bench.operator.answers.append(lambda: "ada")
        with pytest.raises(NotProvenDead):
            bench.engine.retire(token)
    bench.clock.sleep(A_DAY)
    with pytest.raises(NotProvenDead):
        bench.look_again(token)
    bench.world.revoke(made.id)
    bench.operator.answers.append(lambda: "ada")
    bench.engine.resume(token)
    proof = bench.journal(token).proof
    assert proof is not None
    assert proof.proven


@pytest.mark.parametrize("end", ["rotate", "compromised", "retire"])
def test_a_token_that_is_accepted_when_its_end_begins_is_proven_dead_as_any_other(end):
    bench = Bench()
    token, made = unverified(bench)
    begin(bench, token, end)
    assert not bench.world.alive(made)
    proof = bench.journal(token).proof
    assert proof is not None
    assert (proof.proven, proof.samples > 0) == (True, True)


def test_a_token_that_its_list_still_holds_is_not_dead(monkeypatch):
    bench = Bench()
    token, made = unverified(bench)
    refuse(bench, monkeypatch, made)
    monkeypatch.setattr(bench.world, "revoke", lambda _id: None)
    with pytest.raises(NotProvenDead):
        bench.engine.retire(token)
    assert bench.world.alive(made)
    assert bench.journal(token).proof is None
