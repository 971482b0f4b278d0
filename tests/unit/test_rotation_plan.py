"""Plans tell the truth before anything is done; a batch goes on past a bad token."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName, new_token_id
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, RecordState
from tokenguard.errors import ExitCode, InputError, NotProvenDead, Tampered, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.provider import Capabilities, Method
from tokenguard.rotation.batch import BatchJob, BatchResult, most_severe, run_all
from tokenguard.rotation.rotation_plan import StepActor, in_order, plan_rotation, total

API = Capabilities(mint=Method.API, revoke=Method.API, probe=True, pause=timedelta(seconds=10))
GUIDED = Capabilities(mint=Method.PERSON, revoke=Method.PERSON, probe=True)
WHEN = datetime(2026, 12, 1, tzinfo=UTC)


def plan(able, mode=Mode.PLANNED, name="a/b", **changes):
    record = replace(Bench().record(name), **{"state": RecordState.ACTIVE, **changes})
    return plan_rotation(new_token_id(), record, able, mode, due_at=WHEN)


def texts(plan):
    return [step.text for step in plan.steps]


def test_planned_makes_before_it_ends_and_compromised_ends_before_it_makes():
    def place(plan, words):
        return next(i for i, text in enumerate(texts(plan)) if words in text)

    planned, compromised = plan(API), plan(API, Mode.COMPROMISED)
    assert place(planned, "creates the new") < place(planned, "cannot be undone") < place(planned, "prove the old")
    assert (
        place(compromised, "cannot be undone")
        < place(compromised, "creates the new")
        < place(compromised, "prove the old")
    )


def test_a_plan_says_when_a_person_is_needed_and_for_what():
    assert not plan(API).needs_person
    assert plan(API, consumers=(Consumer(ConsumerKind.PERSON, "ops"),)).needs_person
    guided = plan(GUIDED)
    assert [step.by for step in guided.steps].count(StepActor.PERSON) == 2
    assert guided.takes > timedelta(minutes=6)


@pytest.mark.parametrize(
    ("able", "changes", "why"),
    [
        (API, {"consumers": None}, "not declared"),
        (API, {"kind": CredentialKind.OAUTH_GRANT}, "no value"),
        (Capabilities(mint=Method.NEVER, revoke=Method.API, probe=True), {}, "does not support"),
        (API, {}, ""),
    ],
)
def test_a_plan_says_why_it_would_stop(able, changes, why):
    blocked = plan(able, **changes).blocked
    assert why in blocked
    assert bool(blocked) == bool(why)


def test_unattended_tokens_run_first_and_guided_ones_are_one_sitting_per_place():
    jobs = [plan(GUIDED, name="z/1"), plan(API, name="b/1"), plan(GUIDED, name="a/1"), plan(API, name="a/2")]
    ordered = in_order(jobs)
    assert [job.name for job in ordered] == ["a/2", "b/1", "a/1", "z/1"]
    assert total(ordered) > sum((job.takes for job in ordered), timedelta(0))


def test_a_provider_without_a_probe_is_never_said_to_prove_a_death():
    assert (
        "cannot be proven dead" in texts(plan(Capabilities(mint=Method.PERSON, revoke=Method.PERSON, probe=False)))[-1]
    )


def raising(error):
    def run():
        raise error

    return run


def test_one_bad_token_never_blocks_the_rest_and_the_rate_limit_is_kept():
    clock, done = FakeClock(), []
    jobs = [
        BatchJob(name=TokenName("a"), run=raising(Unreachable("x", hint="y")), pause=10),
        BatchJob(name=TokenName("b"), run=lambda: done.append("b"), pause=10),
        BatchJob(name=TokenName("c"), run=lambda: done.append("c")),
    ]
    results = list(run_all(jobs, clock))
    assert done == ["b", "c"]
    assert [result.exit_code for result in results] == [4, 0, 0]
    assert clock.elapsed == 20


def test_an_interrupt_ends_the_batch():
    with pytest.raises(KeyboardInterrupt):
        list(run_all([BatchJob(name=TokenName("a"), run=raising(KeyboardInterrupt()))], FakeClock()))


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((), ExitCode.OK),
        ((Unfinished, Unreachable), ExitCode.UNREACHABLE),
        ((Unreachable, NotProvenDead, Unfinished), ExitCode.NOT_PROVEN_DEAD),
        ((NotProvenDead, Tampered), ExitCode.TAMPERED),
        ((InputError, Unfinished), ExitCode.UNFINISHED),
    ],
)
def test_a_batch_returns_the_gravest(errors, code):
    results = [BatchResult(name=TokenName("a"), error=error("x", hint="y")) for error in errors]
    assert most_severe([*results, BatchResult(name=TokenName("b"))]) is code
