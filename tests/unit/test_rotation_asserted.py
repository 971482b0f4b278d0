"""P9: what is only said to be gone is never called gone: it stays on record by its name, and no end of it is clean."""

from types import SimpleNamespace

import pytest

from tests.fakes.world import canary
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Stage
from tokenguard.domain.liveness import DeathGrade
from tokenguard.domain.names import TokenId
from tokenguard.domain.provider_listing import ListedRow
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import NeedsPerson, NotProvenDead
from tokenguard.frozen import replace
from tokenguard.inventory.reconciliation import compare, keep
from tokenguard.ports.operator import TokenTraceAnswer
from tokenguard.rotation.cleanup import kept_label
from tokenguard.rotation.engine import Engine
from tokenguard.rotation.keeping import how_to_prove, is_acceptable


def mistyped(bench: Bench, token):
    """A token is made under the label, and what is pasted is not its value."""

    def paste() -> str:
        bench.world.create(bench.journal(token).attempts[-1].label)
        return canary()

    return paste


def test_the_refusal_of_a_mistyped_paste_says_nothing_of_the_token_with_that_label():
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.operator.answers.extend([mistyped(bench, token), "alex"])  # alex says revoked, and has not done it
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.journal(token).stage is Stage.DONE
    assert not bench.world.alive(old)
    label = bench.journal(token).attempts[0].label
    (item,) = bench.document(token).possibly_alive
    assert (item.provider_label, item.proof.grade, item.proof.said_by) == (label, DeathGrade.ASSERTED, "alex")
    assert not any(f"{label} is discarded" in line for line in bench.progress.lines)
    bench.look_again(token)  # refused with a control, which proves nothing of a value that was never accepted
    bench.clock.sleep(25 * 3600)
    bench.look_again(token)
    assert item in bench.document(token).possibly_alive
    bench.engine.rotate(token)
    assert item in bench.document(token).possibly_alive, "later operations do not forget it"


def test_a_candidate_that_was_accepted_once_is_proven_dead_by_its_refusals():
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.operator.answers.extend([None, KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTED
    assert bench.document(token).possibly_alive == ()
    assert bench.world.living() == [old]


def test_a_value_that_an_interrupted_run_had_kept_goes_with_the_proof():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.extend([None, KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    attempt = bench.journal(token).attempts[-1]
    held = bench.store.read_candidate(token, attempt.label)
    assert isinstance(held, Value)
    bench.store.put_candidate(token, kept_label(attempt), held)  # and it died before this was on record
    bench.engine.abort(token)
    assert not isinstance(bench.store.read_candidate(token, kept_label(attempt)), Value)


@pytest.mark.parametrize("answer", [TokenTraceAnswer.ABSENT, TokenTraceAnswer.REVOKED])
@pytest.mark.parametrize("way", ["abort", "resume"])
def test_what_a_person_says_of_an_attempt_is_asserted_by_name_and_stays_on_record(answer, way):
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    label = bench.journal(token).attempts[-1].label
    bench.world.create(label)  # it was made, and it lives, whatever is said
    bench.operator.answers.append(answer)
    with pytest.raises(NotProvenDead):
        getattr(bench.engine, way)(token)
    assert bench.journal(token).stage.ended
    (item,) = bench.document(token).possibly_alive
    assert (item.provider_label, item.proof.said_by) == (label, "ada")
    bench.look_again(token)
    assert bench.document(token).possibly_alive == (item,), "a name without a value stays on record"


def interrupted(bench: Bench, *, made: bool):
    """An operation that ended while a token that the dead runner may have had created was only said to be gone."""
    token, _ = bench.add()
    bench.operator.answers.append(mistyped(bench, token) if made else KeyboardInterrupt())
    if not made:
        with pytest.raises(KeyboardInterrupt):
            bench.engine.rotate(token)
    bench.operator.answers.append("alex" if made else TokenTraceAnswer.ABSENT)
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token) if made else bench.engine.resume(token)
    (item,) = bench.document(token).possibly_alive
    return token, item


def reconciled(bench: Bench, token, *labels: str) -> None:
    snapshot = bench.store.load(token)
    keep(bench.store, compare([snapshot], [ListedRow(label=label) for label in labels]), bench.clock.now())


def test_a_list_with_the_token_in_use_and_without_this_one_ends_the_assertion():
    bench = Bench(guided=True)
    token, item = interrupted(bench, made=False)
    live = bench.document(token).record.label
    for listed in (["of another Drive"], [live, item.provider_label], [live, "a mistyped name"]):
        reconciled(bench, token, *listed)
        assert bench.document(token).possibly_alive == (item,), listed
    reconciled(bench, token, live)
    assert bench.document(token).possibly_alive == ()
    assert bench.store.history(token)[-1].event.detail["absent"] == item.provider_label
    bench.engine.resume(token)


@pytest.mark.parametrize("accepted", [False, True])
def test_no_list_ends_an_assertion_about_a_value_that_is_kept(accepted):
    bench = Bench(guided=True)
    token, item = interrupted(bench, made=True)
    snapshot = bench.store.load(token)
    item = replace(item, accepted=accepted)
    bench.store.commit(token, snapshot.version, replace(snapshot.document, quarantine=(item,)), [])
    reconciled(bench, token, snapshot.document.record.label)
    assert bench.document(token).possibly_alive == (item,)
    assert isinstance(bench.store.read_candidate(token, item.label), Value)


def test_a_policy_that_accepts_assertions_accepts_them_of_attempts_too():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    lenient = replace(bench.engine._context, accepts_assertion=lambda record, others: True)
    bench.operator.answers.append(TokenTraceAnswer.ABSENT)
    type(bench.engine)(lenient).abort(token)
    assert bench.document(token).possibly_alive == ()


def test_an_unanswered_question_keeps_the_operation_open():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    bench.operator.answers.append(TokenTraceAnswer.UNKNOWN)
    with pytest.raises(NeedsPerson):
        bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTING
    assert bench.document(token).record.state is RecordState.ACTIVE


# where nothing can be asked


def unaskable() -> tuple[Bench, TokenId]:
    """A provider that cannot be asked, as `manual`: a rotation there ends on a person's word."""
    bench = Bench(guided=True, capabilities={"probe": False})
    token, _ = bench.add()
    with pytest.raises(NotProvenDead) as caught:
        bench.engine.rotate(token)
    assert "asserted-death" in caught.value.hint
    assert "tokenguard rotate video/upload/prod --resume" in caught.value.hint
    assert not any("probed again" in line for line in bench.progress.lines)
    return bench, token


def with_policy(bench: Bench, *, accepts: bool) -> Engine:
    return Engine(replace(bench.engine._context, accepts_assertion=lambda record, others: accepts))


def test_a_policy_that_accepts_assertions_ends_one_of_before_at_the_next_resume():
    bench, token = unaskable()
    with_policy(bench, accepts=True).resume(token)
    assert bench.document(token).possibly_alive == ()
    proof = bench.journal(token).proof
    assert (proof.grade, proof.accepted) == (DeathGrade.ASSERTED, True), "accepted is not proven"
    (item,) = bench.document(token).quarantine
    assert isinstance(bench.store.read_candidate(token, item.label), Value), "and the value is kept"
    assert bench.store.history(token)[-1].event.detail["result"] == "accepted-by-policy"
    events = len(bench.store.history(token))
    with_policy(bench, accepts=True).resume(token)
    assert len(bench.store.history(token)) == events, "recorded once"


def test_a_policy_that_does_not_accept_assertions_leaves_them_on_record():
    bench, token = unaskable()
    before = bench.document(token)
    with_policy(bench, accepts=False).resume(token)
    assert bench.document(token) == before


def test_a_policy_accepts_no_death_that_nobody_asserts():
    bench, token = unaskable()
    snapshot = bench.store.load(token)
    unproven = tuple(
        replace(each, proof=replace(each.proof, grade=DeathGrade.UNPROVEN)) for each in snapshot.document.quarantine
    )
    bench.store.commit(token, snapshot.version, replace(snapshot.document, quarantine=unproven), [])
    with_policy(bench, accepts=True).resume(token)
    assert bench.document(token).possibly_alive == unproven


@pytest.mark.parametrize(
    ("said_by", "samples", "valued", "state", "command"),
    [
        ("ada", 3, True, RecordState.ACTIVE, "tokenguard verify video/upload/prod"),
        ("fake", 0, True, RecordState.ACTIVE, "tokenguard verify video/upload/prod"),
        ("ada", 0, True, RecordState.ACTIVE, "tokenguard rotate video/upload/prod --resume"),
        ("ada", 0, True, RecordState.RETIRED, "tokenguard rotate video/upload/prod --resume"),
        ("ada", 0, False, RecordState.ACTIVE, "tokenguard verify --reconcile fake"),
        ("fake", 0, False, RecordState.PENDING, "tokenguard verify video/upload/prod"),
    ],
)
def test_the_hint_of_an_assertion_names_what_can_end_it(said_by, samples, valued, state, command):
    bench, token = unaskable()
    (item,) = bench.document(token).quarantine
    proof = replace(item.proof, said_by=said_by, samples=samples)
    item = replace(item, proof=proof, fingerprint=item.fingerprint if valued else None)
    assert command in how_to_prove(replace(bench.record(), state=state), item)


def test_other_tokens_are_counted_only_where_the_policy_accepts_assertions():
    """The default accepts none: here is no store to count in."""
    bench = Bench()
    token, _ = bench.add()
    context = SimpleNamespace(accepts_assertion=lambda _record, _others: False)
    assert not is_acceptable(context, bench.store.load(token))
