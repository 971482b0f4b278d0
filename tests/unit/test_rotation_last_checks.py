"""P1: right before a token is ended, by a rotation or by its abort, the other one is looked at again."""

from functools import partial

import pytest

from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Stage
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, NeedsPerson, NotProvenDead, Unfinished, Unreachable
from tokenguard.frozen import replace


def stopped_at_the_revoke(bench: Bench, **options):
    token, old = bench.add()
    bench.operator.answers.extend([None, KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token, **options)
    assert bench.journal(token).stage is Stage.REVOKE_INTENDED
    return token, old, bench.world.of_value(bench.live_value(token))


def revoke_the_new_one(bench: Bench, token) -> str:
    """A person who revokes the wrong token."""
    bench.world.revoke_label(bench.journal(token).attempts[-1].label)
    return "ada"


def test_without_a_clear_answer_about_the_new_token_the_old_one_is_not_revoked():
    bench = Bench()
    token, old = bench.add()
    verify = bench.deliveries.delivery.verify

    def then_a_storm(consumer, value):
        bench.world.unknown = 10**6
        return verify(consumer, value)

    bench.deliveries.delivery.verify = then_a_storm
    with pytest.raises(Unreachable):
        bench.engine.rotate(token)
    assert "revoke:intent" not in bench.ops(token)
    bench.deliveries.delivery.verify = verify
    bench.world.unknown = 0
    bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.DONE
    assert not bench.world.alive(old)


def test_while_another_value_is_served_under_the_new_label_the_old_token_is_not_revoked():
    """The old value, put back in the entry of the new one."""
    bench = Bench()
    token, old = bench.add()
    verify, read_live = bench.deliveries.delivery.verify, bench.store.read_live

    def put_back(consumer, value):
        bench.store.read_live = lambda token: replace(read_live(token), value=Value.of(old.value))
        return verify(consumer, value)

    bench.deliveries.delivery.verify = put_back
    with pytest.raises(Conflict):
        bench.engine.rotate(token)
    assert "revoke:intent" not in bench.ops(token)
    assert bench.world.alive(old)
    bench.store.read_live = read_live
    bench.deliveries.delivery.verify = verify
    bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.DONE


def test_an_abort_ends_nothing_once_the_old_token_is_refused():
    bench = Bench(guided=True)
    token, old, new = stopped_at_the_revoke(bench)
    bench.operator.answers.append("")  # the new one is not revoked yet
    with pytest.raises(NeedsPerson):
        bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTING
    bench.world.revoke(old.id)
    asked = len(bench.operator.asked)
    with pytest.raises(Unreachable):
        bench.engine.resume(token)
    assert len(bench.operator.asked) == asked
    assert bench.world.alive(new)
    with pytest.raises(Unreachable):  # it may be ended all the same, and never with exit 0
        bench.engine.resume(token, accept_outage=True)
    assert bench.journal(token).stage is Stage.ABORTED


def test_an_abort_is_not_begun_while_the_old_token_is_refused():
    bench = Bench()
    token, old = bench.add()
    bench.deliveries.delivery.deaf = True
    with pytest.raises(Unfinished):
        bench.engine.rotate(token)
    bench.world.revoke(old.id)
    with pytest.raises(Unreachable):
        bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.PUBLISHED


def test_a_wrong_click_during_an_abort_is_not_called_undone():
    bench = Bench(guided=True)
    token, old, new = stopped_at_the_revoke(bench)

    def both():
        bench.world.revoke(old.id)
        bench.world.revoke(new.id)
        return "ada"

    bench.operator.answers.append(both)
    with pytest.raises(Unreachable):
        bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTING


def test_a_resume_asks_nobody_to_revoke_the_old_token_when_the_new_one_is_refused():
    bench = Bench(guided=True)
    token, old, new = stopped_at_the_revoke(bench)
    bench.world.revoke(new.id)
    asked = len(bench.operator.asked)
    with pytest.raises(NotProvenDead):
        bench.engine.resume(token)
    assert len(bench.operator.asked) == asked
    bench.operator.answers.append("ada")
    bench.engine.abort(token)
    assert bench.live_value(token) == old.value
    assert bench.world.alive(old)


def test_a_person_who_revoked_the_new_token_is_not_asked_to_revoke_the_old_one_and_it_can_be_put_back():
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.operator.answers.extend([None, partial(revoke_the_new_one, bench, token)])
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.world.alive(old)
    bench.engine.abort(token)
    assert bench.live_value(token) == old.value
    assert bench.world.alive(old)


def test_a_rotation_whose_old_token_was_revoked_after_the_new_one_can_be_ended():
    bench = Bench(guided=True)
    bench.add("video/other/prod")
    token, old = bench.add()
    bench.operator.answers.extend([None, partial(revoke_the_new_one, bench, token)])
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    bench.world.revoke(old.id)
    asked = len(bench.operator.asked)
    with pytest.raises(Unreachable):  # ended, and the token in use is refused
        bench.engine.resume(token)
    assert len(bench.operator.asked) == asked
    assert bench.journal(token).stage is Stage.DONE
    assert bench.journal(token).proof.proven


def test_both_tokens_revoked_is_never_exit_0():
    bench = Bench(guided=True)
    bench.add("video/other/prod")
    token, old = bench.add()

    def both():
        bench.world.revoke(old.id)
        bench.world.revoke_label(bench.journal(token).attempts[-1].label)
        return "ada"

    bench.operator.answers.extend([None, both])
    with pytest.raises(Unreachable):
        bench.engine.rotate(token)
    assert bench.journal(token).stage is Stage.DONE


def test_a_compromise_is_aborted_only_by_a_person_with_a_reason():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token, compromised=True)
    with pytest.raises(NotProvenDead):
        bench.engine.abort(token)
    assert bench.document(token).busy
    bench.engine.abort(token, reason="the value in the ticket was another one")
    assert bench.journal(token).stage is Stage.ABORTED
    assert not any("gone" in line for line in bench.progress.lines)
    reasons = [e.event.detail.get("reason") for e in bench.store.history(token) if e.event.op == "abort"]
    assert "the value in the ticket was another one" in reasons


@pytest.mark.parametrize("accepted", [True, False], ids=["outage-accepted", "declared"])
def test_the_person_is_told_on_what_ground_the_old_token_is_revoked(accepted):
    bench = Bench(guided=True, **({"consumers": None} if accepted else {}))
    stopped_at_the_revoke(bench, accept_outage=accepted)
    why = bench.operator.asked[-1][1].why
    assert ("not declared" in why) is accepted
    assert ("confirmed" in why) is not accepted


def test_while_an_abort_waits_the_record_describes_what_the_store_serves():
    bench = Bench(guided=True)
    token, old, _ = stopped_at_the_revoke(bench)
    bench.operator.answers.append("")
    with pytest.raises(NeedsPerson):
        bench.engine.abort(token)
    record = bench.document(token).record
    assert bench.live_value(token) == old.value
    assert record.label == old.label
    task = bench.operator.asked[-1][1]
    assert "not accepted" not in task.why
