"""P3: where two servers answer in turn, and one has not heard of the revoke, the old token is not called dead."""

from collections.abc import Iterator
from itertools import cycle

import pytest

from tests.fakes.world import Made
from tests.unit.rotation_bench import Bench
from tokenguard.domain.liveness import DeathGrade, Observation, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead

A_DAY = 25 * 3600


def in_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch, made: Made, *, first: bool) -> None:
    """Two servers answer probes in turn; one of them still accepts `made`."""
    probe = bench.provider.probe
    behind: Iterator[bool] = cycle((first, not first))

    def look(value: Value, scope: Scope | None) -> Observation:
        if next(behind) and value == Value.of(made.value):
            return Observation(verdict=Verdict.ALIVE, at=bench.clock.now(), reason="http-200")
        return probe(value, scope)

    monkeypatch.setattr(bench.provider, "probe", look)


@pytest.mark.parametrize("first", [True, False])
def test_a_server_that_still_accepts_the_old_token_is_met(monkeypatch, first):
    bench = Bench(guided=True)
    token, made = bench.add()

    def revokes() -> str:
        bench.world.revoke(made.id)
        in_turn(bench, monkeypatch, made, first=first)
        return "ada"

    bench.operator.answers.extend([None, revokes])
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.journal(token).proof is None
    monkeypatch.undo()
    bench.engine.resume(token)
    assert bench.journal(token).proof.proven


@pytest.mark.parametrize("first", [True, False])
def test_a_server_that_accepts_a_kept_value_again_is_met_before_it_is_destroyed(monkeypatch, first):
    bench = Bench(guided=True)
    token, made = bench.add()
    bench.add("video/upload/dev")
    bench.engine.retire(token)
    bench.clock.sleep(A_DAY)
    in_turn(bench, monkeypatch, made, first=first)
    with pytest.raises(NotProvenDead, match="accepted again"):
        bench.look_again(token)


def test_two_refusals_of_one_round_are_one_sample(monkeypatch):
    bench = Bench(guided=True)
    token, made = bench.add()
    bench.add("video/upload/dev")
    probe, asked = bench.provider.probe, list[Value]()
    monkeypatch.setattr(bench.provider, "probe", lambda value, scope: asked.append(value) or probe(value, scope))
    bench.engine.retire(token)
    proof = bench.journal(token).proof
    assert (proof.grade, proof.samples) == (DeathGrade.PROVISIONAL, 3)
    window = bench.provider.capabilities.death_window
    assert proof.last_at - proof.first_at >= window.length
    rounds = asked.count(Value.of(made.value))
    assert rounds <= window.samples + 1 + 1, "one more in the second round, and one when the person said revoked"
