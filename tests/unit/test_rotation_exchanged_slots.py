"""P3: a value that another writer put into a slot is not the token's: its refusal proves no death, and it is not sent."""

import pytest

from tests.fakes.world import Made
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Stage
from tokenguard.domain.liveness import DeathGrade
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead, Tampered, TokenguardError, Unreachable

A_DAY = 25 * 3600
DEAD = Value.of("tgcanary-never-made-0123456789abcdef")


def exchange(bench: Bench, token: TokenId, label: str) -> Value:
    """Somebody with write access to the store replaces what a slot holds; returns what it held."""
    held = bench.store._slots[token, label]
    assert isinstance(held, Value)
    bench.store._slots[token, label] = DEAD
    return held


def revoke_owed() -> tuple[Bench, TokenId, Made]:
    """A guided rotation: the old token is to be revoked, and is alive."""
    bench = Bench(guided=True)
    bench.add("video/upload/control")
    token, old = bench.add()
    bench.operator.answers.extend([None, ""])
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.world.alive(old)
    return bench, token, old


def test_a_value_in_place_of_the_old_one_proves_no_death():
    bench, token, old = revoke_owed()
    label = bench.journal(token).old.label
    right = exchange(bench, token, label)
    bench.operator.answers.append(lambda: "ada")  # who says that it is revoked, and it is not
    with pytest.raises(Tampered) as caught:
        bench.engine.resume(token)
    assert label in caught.value.message
    assert bench.journal(token).proof is None
    assert bench.world.alive(old)
    bench.store._slots[token, label] = right
    bench.world.revoke_label(old.label)
    bench.engine.resume(token)
    assert bench.journal(token).proof.grade is DeathGrade.PROVISIONAL


def test_a_value_in_place_of_a_kept_one_confirms_no_death():
    bench = Bench()
    bench.add("video/upload/control")
    token, _ = bench.add()
    bench.engine.rotate(token)
    (item,) = bench.document(token).quarantine
    exchange(bench, token, item.label)
    bench.clock.sleep(A_DAY)
    with pytest.raises(Tampered):
        bench.look_again(token)
    (item,) = bench.document(token).quarantine
    assert item.proof.grade is DeathGrade.PROVISIONAL


def begun() -> tuple[Bench, TokenId, str]:
    """A rotation that stopped after its new value was stored; returns the value's label."""
    bench = Bench()
    token, _ = bench.add()
    with pytest.MonkeyPatch.context() as patched:
        put = bench.store.put_candidate

        def put_and_lose_the_provider(*arguments: object) -> None:
            put(*arguments)  # type: ignore[arg-type]  # as it was called
            patched.setattr(bench.provider, "probe", _unreachable)

        patched.setattr(bench.store, "put_candidate", put_and_lose_the_provider)
        with pytest.raises(TokenguardError):
            bench.engine.rotate(token)
    assert bench.journal(token).stage is Stage.STORED
    return bench, token, bench.journal(token).attempts[-1].label


def _unreachable(*_asked: object) -> None:
    raise Unreachable("the provider does not answer", hint="")


def test_a_living_token_in_place_of_the_new_one_is_not_served():
    bench, token, label = begun()
    before, theirs = bench.live_value(token), bench.world.create("theirs")
    exchange(bench, token, label)
    bench.store._slots[token, label] = Value.of(theirs.value)
    with pytest.raises(Tampered):
        bench.engine.resume(token)
    assert bench.live_value(token) == before


def test_another_token_in_place_of_an_attempt_is_not_revoked():
    bench, token, label = begun()
    theirs = bench.world.create("theirs")
    exchange(bench, token, label)
    bench.store._slots[token, label] = Value.of(theirs.value)
    with pytest.raises(Tampered):
        bench.engine.abort(token)
    assert bench.world.alive(theirs)
