"""P9: a value that is held is never ended by a list alone: its own refusals say whether its token is dead."""

import pytest

from tests.fakes.world import Made
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import AttemptState, Stage
from tokenguard.domain.liveness import DeathGrade, Observation, Verdict
from tokenguard.domain.names import TokenId
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, Fenced, NotProvenDead, Unfinished
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.provider import Ambiguous
from tokenguard.ports.store import Tombstone


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, TokenId, Made]:
    """A planned rotation that stopped with the new token made, which an abort discards by API."""
    bench = Bench()
    token, _ = bench.add()
    with monkeypatch.context() as patch:
        patch.setattr(bench.deliveries.delivery, "verify", lambda consumer, value: ConsumerVerdict.DIFFERENT)
        with pytest.raises(Unfinished):
            bench.engine.rotate(token)
    made = bench.world.of_value(bench.live_value(token))
    assert made is not None
    return bench, token, made


def says_nothing_clear_of(bench: Bench, patch: pytest.MonkeyPatch, made: Made) -> None:
    probe = bench.provider.probe

    def look(value: Value, scope: Scope | None) -> Observation:
        if value == Value.of(made.value):
            return Observation(verdict=Verdict.UNKNOWN, at=bench.clock.now(), reason="http-503")
        return probe(value, scope)

    patch.setattr(bench.provider, "probe", look)


def test_an_attempt_that_the_list_lacks_and_the_provider_accepts_is_not_ended(stopped, monkeypatch):
    bench, token, made = stopped
    label = bench.journal(token).attempts[0].label
    with monkeypatch.context() as patch:
        patch.setattr(bench.issuer, "revoke", bench.world.unlisted.add)
        with pytest.raises(Ambiguous, match=f"no longer lists {label} but still accepts"):
            bench.engine.abort(token)
    assert bench.store.read_candidate(token, label) == Value.of(made.value)
    assert bench.journal(token).stage is Stage.ABORTING
    bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.ABORTED
    assert not bench.world.alive(made)
    assert isinstance(bench.store.read_candidate(token, label), Tombstone)


def test_an_attempt_of_which_the_provider_says_nothing_clear_is_kept_as_unproven(stopped, monkeypatch):
    bench, token, made = stopped
    with monkeypatch.context() as patch:
        says_nothing_clear_of(bench, patch, made)
        with pytest.raises(NotProvenDead, match="no clear answer"):
            bench.engine.abort(token)
    (attempt,) = bench.journal(token).attempts
    assert (bench.journal(token).stage, attempt.state) == (Stage.ABORTED, AttemptState.GONE)
    (item,) = bench.document(token).possibly_alive
    assert (item.provider_label, item.proof.grade) == (attempt.label, DeathGrade.UNPROVEN)
    assert bench.store.read_candidate(token, item.label) == Value.of(made.value)
    assert bench.look_again(token) == [DeathGrade.PROVISIONAL]
    assert bench.document(token).possibly_alive == ()


@pytest.mark.parametrize("stored_first", [True, False], ids=["copied-before", "copied-after"])
def test_a_runner_that_was_overtaken_while_it_kept_a_value_leaves_no_copy_of_it(stopped, monkeypatch, stored_first):
    bench, token, made = stopped
    put = bench.store.put_candidate

    def overtaken(token_, label, content):
        if not label.endswith("-kept"):
            return put(token_, label, content)
        if stored_first:
            put(token_, label, content)
        patch.undo()
        bench.runner("two").resume(token)
        return None if stored_first else put(token_, label, content)

    with monkeypatch.context() as patch:
        says_nothing_clear_of(bench, patch, made)
        patch.setattr(bench.store, "put_candidate", overtaken)
        with pytest.raises((Conflict, Fenced)):
            bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTED
    assert Value.of(made.value) not in bench.store._slots.values()


def test_an_attempt_that_was_never_accepted_is_proven_dead_by_its_refusals_where_the_provider_returned_its_value(
    monkeypatch,
):
    """Nothing was typed by hand: the value is that token's."""
    bench = Bench()
    token, _ = bench.add()
    create = bench.issuer.create

    def stillborn(wanted):
        created = create(wanted)
        bench.world.revoke(created.provider_id)
        return created

    monkeypatch.setattr(bench.issuer, "create", stillborn)
    with pytest.raises(Unfinished, match="does not accept the token it created"):
        bench.engine.rotate(token)
    (attempt,) = bench.journal(token).attempts
    assert attempt.state is AttemptState.GONE
    assert bench.document(token).possibly_alive == ()
    assert isinstance(bench.store.read_candidate(token, attempt.label), Tombstone)
