"""P2, P9: a token that was recorded as gone and is listed after all is named, and `--resume` revokes it."""

from datetime import timedelta

import pytest

from tests.fakes.world import Made
from tests.unit.rotation_bench import Bench, finished
from tests.unit.test_rotation_absence import lose_a_create
from tests.unit.test_rotation_absence_control import failed, in_vain
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.names import TokenId
from tokenguard.domain.token import RecordState
from tokenguard.errors import ExitCode, NotProvenDead
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.operator import TokenTraceAnswer
from tokenguard.ports.provider import Method

NAME = "video/upload/prod"


def said_to_be_gone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[TokenId, Made]:
    """A first token whose create was lost, which the list then lacked, and which appears in it later."""
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.issue(bench.record()))
    token = bench.store.find(NAME).id
    bench.world.unlisted.add(lost.id)
    assert failed(lambda: bench.engine.abort(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    bench.world.unlisted.clear()
    return token, lost


@pytest.fixture(params=[True, False], ids=["probe", "no probe"])
def bench(request):
    return Bench(capabilities={"probe": request.param})


def test_an_operation_that_finds_it_listed_says_the_command_that_revokes_it(bench, monkeypatch):
    token, lost = said_to_be_gone(bench, monkeypatch)
    error = failed(lambda: bench.engine.issue(bench.record()))
    assert error.exit_code == ExitCode.NOT_PROVEN_DEAD
    assert lost.label in error.message
    assert f"tokenguard rotate {NAME} --resume" in error.hint
    live = bench.world.of_value(bench.live_value(token))
    assert finished(bench.engine.resume(token))
    assert bench.world.living() == [live]
    assert bench.document(token).quarantine == ()
    assert bench.document(token).record.state is RecordState.ACTIVE


def test_a_later_look_finds_it_and_reopens_its_revoke(bench, monkeypatch):
    token, lost = said_to_be_gone(bench, monkeypatch)
    bench.add("video/upload/dev")
    with pytest.raises(NotProvenDead, match=lost.label):
        bench.look_again(token)
    assert (bench.journal(token).mode, bench.journal(token).stage) == (Mode.REVOKE_AGAIN, Stage.REVOKE_INTENDED)
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(lost)
    assert bench.document(token).quarantine == ()
    assert bench.document(token).record.state is RecordState.PENDING
    assert finished(bench.engine.issue(bench.record()))


def test_a_later_look_takes_it_off_the_record_once_the_list_proves_that_it_is_gone(bench, monkeypatch):
    token, lost = said_to_be_gone(bench, monkeypatch)
    bench.world.revoke(lost.id)
    assert bench.look_again(token) == [None], "an empty list proves nothing"
    assert len(bench.document(token).possibly_alive) == 1
    bench.add("video/upload/dev")
    assert bench.look_again(token) == [None]
    assert bench.document(token).quarantine == ()


def test_a_revoke_of_it_that_does_nothing_keeps_its_operation_open(bench, monkeypatch):
    token, lost = said_to_be_gone(bench, monkeypatch)
    bench.add("video/upload/dev")
    failed(lambda: bench.look_again(token))
    with monkeypatch.context() as patch:
        in_vain(bench, patch)
        assert failed(lambda: bench.engine.resume(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert bench.document(token).busy
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(lost)


def test_without_a_control_its_end_is_asserted_again(bench, monkeypatch):
    token, lost = said_to_be_gone(bench, monkeypatch)
    failed(lambda: bench.look_again(token))
    assert failed(lambda: bench.engine.resume(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert [each.provider_label for each in bench.document(token).possibly_alive] == [lost.label]
    assert not bench.world.alive(lost)


def test_every_row_of_its_label_is_revoked(bench, monkeypatch):
    token, lost = said_to_be_gone(bench, monkeypatch)
    twin = bench.world.create(lost.label)
    bench.add("video/upload/dev")
    failed(lambda: bench.look_again(token))
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(lost)
    assert not bench.world.alive(twin)
    assert bench.document(token).possibly_alive == ()


def test_what_is_accepted_again_while_an_operation_is_open_is_revoked_by_the_resume_after_it():
    bench = Bench()
    bench.add("video/upload/dev")
    token, old = bench.add()
    bench.engine.rotate(token)
    bench.deliveries.delivery.deaf = True
    assert failed(lambda: bench.engine.rotate(token)).exit_code == ExitCode.UNFINISHED
    old.revoked_at = None
    bench.clock.sleep(25 * 3600)
    with pytest.raises(NotProvenDead):
        bench.look_again(token)
    bench.deliveries.delivery.deaf = False
    error = failed(lambda: bench.engine.resume(token))
    assert error.exit_code == ExitCode.NOT_PROVEN_DEAD
    assert f"tokenguard rotate {NAME} --resume" in error.hint
    assert bench.journal(token).stage is Stage.DONE
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(old)


# a revoke that takes effect late


def stopped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[TokenId, Made]:
    bench.add("video/upload/dev")
    token, _ = bench.add()
    with monkeypatch.context() as patch:
        patch.setattr(bench.deliveries.delivery, "verify", lambda consumer, value: ConsumerVerdict.DIFFERENT)
        failed(lambda: bench.engine.rotate(token))
    return token, bench.world.of_value(bench.live_value(token))


def test_a_discarded_token_is_not_called_gone_before_its_revoke_must_have_taken_effect(monkeypatch):
    bench = Bench(revoke_lag=30, capabilities={"probe": False})
    token, made = stopped(bench, monkeypatch)
    assert finished(bench.engine.abort(token))
    assert not bench.world.alive(made)


@pytest.mark.parametrize("probe", [True, False])
def test_a_lost_token_is_not_called_gone_before_its_revoke_must_have_taken_effect(probe, monkeypatch):
    bench = Bench(revoke_lag=30, capabilities={"probe": probe})
    bench.add("video/upload/dev")
    token, _ = bench.add()
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.rotate(token))
    assert finished(bench.engine.abort(token))
    assert not bench.world.alive(lost)


def test_a_list_says_nothing_of_a_revoke_that_may_still_take_effect():
    """A person says that the token of an interrupted run is revoked now."""
    bench = Bench(capabilities={"mint": Method.PERSON, "revoke_lag": timedelta(hours=1)})
    bench.add("video/upload/dev")
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.issue(bench.record())
    token = bench.store.find(NAME).id
    bench.operator.answers.append(TokenTraceAnswer.REVOKED)
    assert failed(lambda: bench.engine.resume(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert len(bench.document(token).possibly_alive) == 1
    assert bench.look_again(token) == [None]
    assert len(bench.document(token).possibly_alive) == 1
    bench.clock.sleep(3600)
    assert bench.look_again(token) == [None]
    assert bench.document(token).possibly_alive == ()
