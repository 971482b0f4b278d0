"""P9: a list proves absence only if it holds another token that the inventory knows; an empty list proves nothing."""

from datetime import timedelta

import pytest

from tests.fakes.world import OTHER_DRIVE, Made
from tests.unit.rotation_bench import Bench, finished
from tests.unit.test_rotation_absence import converges, edit, lose_a_create
from tokenguard.domain.journal import Stage
from tokenguard.domain.liveness import DeathControl, DeathGrade
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import replace
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.operator import TokenTraceAnswer
from tokenguard.ports.provider import Method

A_DAY = 25 * 3600


@pytest.fixture
def bench():
    """A provider that lists and revokes, and cannot be asked about a value."""
    return Bench(capabilities={"probe": False})


def in_vain(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API answers a revoke as done, and does nothing."""
    monkeypatch.setattr(bench.issuer, "revoke", lambda provider_id: None)


def hidden(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API answers a revoke as done, takes the token from the list, and does nothing else."""
    monkeypatch.setattr(bench.issuer, "revoke", bench.world.unlisted.add)


def failed(work) -> TokenguardError:
    with pytest.raises(TokenguardError) as caught:
        work()
    return caught.value


def is_only_asserted(bench: Bench, token: TokenId, made: Made) -> None:
    assert bench.journal(token).proof.grade is DeathGrade.ASSERTED
    (item,) = bench.document(token).possibly_alive
    assert bench.store.read_candidate(token, item.label) == Value.of(made.value)


def test_an_empty_list_proves_no_death_and_no_later_look_confirms_it(bench, monkeypatch):
    token, made = bench.add()
    hidden(bench, monkeypatch)
    assert failed(lambda: bench.engine.retire(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    is_only_asserted(bench, token, made)
    for _ in range(3):
        bench.clock.sleep(A_DAY)
        assert bench.look_again(token) == [None]
    is_only_asserted(bench, token, made)


def test_a_death_without_a_control_is_proven_once_the_list_holds_one(bench):
    token, made = bench.add()
    assert failed(lambda: bench.engine.retire(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    is_only_asserted(bench, token, made)
    bench.add("video/upload/dev")
    assert bench.look_again(token) == [DeathGrade.PROVISIONAL]
    assert bench.journal(token).proof.controlled_by is DeathControl.LIST


def test_a_listed_token_of_another_scope_is_no_control(bench, monkeypatch):
    """The list may be that of another account behind the same address."""
    token, made = bench.add()
    other, _ = bench.add("video/other/prod")
    edit(bench, other, scope=OTHER_DRIVE)
    hidden(bench, monkeypatch)
    assert failed(lambda: bench.engine.retire(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    is_only_asserted(bench, token, made)


@pytest.mark.parametrize("listed", [True, False])
def test_a_token_with_an_open_rotation_is_a_control_if_it_is_listed(bench, monkeypatch, listed):
    token, made = bench.add()
    other, others = bench.add("video/other/prod")
    lose_a_create(bench, monkeypatch, lambda: bench.engine.rotate(other))
    if listed:
        assert finished(bench.engine.retire(token))
        assert bench.journal(token).proof.controlled_by is DeathControl.LIST
    else:
        bench.world.unlisted.add(others.id)
        hidden(bench, monkeypatch)
        failed(lambda: bench.engine.retire(token))
        is_only_asserted(bench, token, made)


def test_a_token_whose_revoke_is_intended_is_no_control(bench, monkeypatch):
    token, made = bench.add()
    other, _ = bench.add("video/other/prod")
    with monkeypatch.context() as patch:
        patch.setattr(bench.issuer, "revoke", lambda provider_id: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            bench.engine.rotate(other, compromised=True)
    hidden(bench, monkeypatch)
    failed(lambda: bench.engine.retire(token))
    is_only_asserted(bench, token, made)


def test_a_list_that_holds_the_name_with_another_id_contradicts_a_death(bench):
    token, made = bench.add()
    bench.add("video/other/prod")
    edit(bench, token, provider_id="id-at-creation")
    error = failed(lambda: bench.engine.retire(token))
    assert error.exit_code == ExitCode.NOT_PROVEN_DEAD
    assert made.id in error.message
    assert bench.journal(token).stage is Stage.REVOKED
    bench.world.revoke(made.id)  # a person does what the hint says
    assert finished(bench.engine.resume(token))
    assert bench.journal(token).proof.controlled_by is DeathControl.LIST


def test_a_name_with_another_id_contradicts_a_death_in_the_later_look_as_well(bench):
    token, made = bench.add()
    failed(lambda: bench.engine.retire(token))  # asserted: there is no control
    bench.add("video/other/prod")
    made.revoked_at, made.id = None, "listed-otherwise"
    assert bench.look_again(token) == [None]
    is_only_asserted(bench, token, made)


def test_a_record_without_a_value_does_not_explain_the_name_with_another_id(bench):
    """An import from the provider's list may have recorded the very token."""
    token, made = bench.add()
    other, _ = bench.add("video/other/prod")
    edit(bench, token, provider_id="id-at-creation")
    edit(bench, other, provider_id=made.id, fingerprint=None)
    assert failed(lambda: bench.engine.retire(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert bench.journal(token).stage is Stage.REVOKED


def test_another_token_of_the_inventory_may_have_the_same_name(bench):
    token, _ = bench.add()
    other, _ = bench.add("video/other/prod")
    label = bench.document(token).record.label
    edit(bench, other, label=label)
    bench.world.made[bench.document(other).record.provider_id].label = label
    assert finished(bench.engine.retire(token))
    assert bench.journal(token).proof.controlled_by is DeathControl.LIST


@pytest.mark.parametrize("probe", [True, False])
def test_a_first_token_whose_create_was_lost_is_possibly_alive_as_long_as_the_list_is_empty(probe, monkeypatch):
    bench = Bench(capabilities={"probe": probe})
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.issue(bench.record()))
    token = bench.store.find("video/upload/prod").id
    bench.world.unlisted.add(lost.id)
    assert failed(lambda: bench.engine.abort(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert bench.journal(token).stage is Stage.ABORTED
    assert [each.provider_label for each in bench.document(token).possibly_alive] == [lost.label]
    bench.world.unlisted.clear()
    bench.world.revoke(lost.id)  # a person does what the hint says
    assert finished(bench.engine.issue(bench.record()))
    assert bench.document(token).possibly_alive == (), "the list now holds the token in use and not that one"


@pytest.mark.parametrize("probe", [True, False])
@pytest.mark.parametrize("created", [True, False])
def test_a_first_token_whose_create_was_lost_is_settled_once_its_replacement_is_listed(probe, created, monkeypatch):
    bench = Bench(capabilities={"probe": probe})
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.issue(bench.record()))
    token = bench.store.find("video/upload/prod").id
    if not created:
        bench.world.revoke(lost.id)
    bench.world.unlisted.add(lost.id)
    listed = bench.issuer.listed

    def until_it_holds_another():
        found = listed()
        if not found.rows:
            return found
        bench.world.unlisted.clear()
        return listed()

    monkeypatch.setattr(bench.issuer, "listed", until_it_holds_another)
    converges(bench, token, lost)
    assert bench.document(token).possibly_alive == ()


@pytest.mark.parametrize("work", ["abort", "resume"])
def test_a_refusal_without_a_control_does_not_excuse_a_token_that_the_list_lacks(work, monkeypatch):
    """Everything is refused and the list is empty: that is an outage, and no token need be gone."""
    bench = Bench()
    for name in ("video/one/prod", "video/two/prod"):
        bench.add(name)
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.issue(bench.record()))
    token = bench.store.find("video/upload/prod").id
    bench.world.half_outage = True
    bench.world.unlisted |= set(bench.world.made)
    error = failed(lambda: getattr(bench.engine, work)(token))
    assert error.exit_code == ExitCode.UNREACHABLE
    assert bench.world.alive(lost)
    assert bench.document(token).quarantine == ()
    assert not bench.journal(token).stage.ended
    bench.world.half_outage = False
    bench.world.unlisted.clear()
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(lost)


@pytest.mark.parametrize("recorded", [{"provider_id": "id-at-creation"}, {"provider_id": "", "label": ""}])
@pytest.mark.parametrize("hinted", [True, False])
def test_an_own_token_whose_id_is_not_listed_is_a_control_only_by_its_hint(recorded, hinted, monkeypatch):
    """Earlier versions recorded the id of the answer to the creation; a person may have recorded none."""
    bench = Bench()
    bench.world.hint = bench.world.hint if hinted else lambda value: value[:9] + "..."
    token, live = bench.add()
    edit(bench, token, **recorded)
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.rotate(token))
    bench.world.revoke(lost.id)
    if hinted:
        assert finished(bench.engine.abort(token))
    else:
        assert failed(lambda: bench.engine.abort(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    kept = [each.provider_label for each in bench.document(token).possibly_alive]
    assert kept == ([] if hinted else [lost.label])
    assert bench.world.living() == [live]


def test_where_the_policy_accepts_an_assertion_a_missing_control_is_exit_0(bench):
    token, _ = bench.add()
    bench.engine._context = replace(bench.engine._context, accepts_assertion=lambda record, others: others == 0)
    assert finished(bench.engine.retire(token))
    assert bench.journal(token).proof.grade is DeathGrade.ASSERTED


# what ends an assertion


def said_absent(**capabilities: object) -> tuple[Bench, TokenId]:
    """A person creates the tokens, and has said of an interrupted one that it does not exist."""
    bench = Bench(capabilities={"mint": Method.PERSON, **capabilities})
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    bench.operator.answers.append(TokenTraceAnswer.ABSENT)
    return bench, token


def test_what_a_person_said_is_settled_by_a_list_with_a_control():
    bench, token = said_absent()
    assert finished(bench.engine.resume(token))
    assert bench.document(token).possibly_alive == ()
    assert "absent" in {each.event.detail.get("result") for each in bench.store.history(token)}


def test_a_list_that_may_lack_rows_settles_nothing():
    bench, token = said_absent()
    bench.world.list_gap = "it says that there are more"
    assert failed(lambda: bench.engine.resume(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert len(bench.document(token).possibly_alive) == 1


def test_a_list_settles_nothing_about_a_token_that_is_younger_than_its_lag():
    bench, token = said_absent(list_lag=timedelta(days=2))
    assert failed(lambda: bench.engine.resume(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert len(bench.document(token).possibly_alive) == 1


def test_a_value_that_is_kept_is_ended_by_the_later_look_only(bench, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(bench.deliveries.delivery, "verify", lambda consumer, value: ConsumerVerdict.DIFFERENT)
        failed(lambda: bench.engine.issue(bench.record()))
    token = bench.store.find("video/upload/prod").id
    made = bench.world.of_value(bench.live_value(token))
    assert failed(lambda: bench.engine.abort(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert finished(bench.engine.issue(bench.record()))
    (item,) = bench.document(token).possibly_alive
    assert bench.store.read_candidate(token, item.label) == Value.of(made.value)
    assert bench.look_again(token) == [DeathGrade.PROVISIONAL]
