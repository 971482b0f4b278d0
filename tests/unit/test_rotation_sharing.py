"""Runners on one list of due tokens: whose turn a token is, and that nobody's failure is taken for another's work."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.world import Quiet
from tests.unit.rotation_bench import Bench
from tokenguard.domain.document import Document
from tokenguard.domain.journal import Journal, Mode, Stage
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import RecordState
from tokenguard.errors import Conflict, Fenced, Unfinished
from tokenguard.frozen import replace
from tokenguard.rotation.batch import BatchJob, SkipReason
from tokenguard.rotation.lease import is_runner_dead
from tokenguard.rotation.parallel_runners import rotate_unless_taken, run_shared, why_skipped

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
OURS, THEIRS = "here/1/aa", "elsewhere/7/bb"
HERE = os.uname().nodename
GONE = f"{HERE}/{2**22 + 1}/cc"


def document(
    stage: Stage | None = None, *, holder: str = THEIRS, ago: float = 1.0, waiting: str = "", **record: object
):
    made = replace(Bench().record(TokenName("a/b")), **{"state": RecordState.ACTIVE, **record})
    if stage is None:
        return Document(record=made)
    at = NOW - timedelta(minutes=ago)
    journal = Journal(
        id="0" * 32,
        mode=Mode.PLANNED,
        stage=stage,
        epoch=1,
        holder=holder,
        opened_at=at,
        updated_at=at,
        waiting_for=waiting,
    )
    return Document(record=made, journal=journal)


@pytest.mark.parametrize(
    ("found", "due", "expected"),
    [
        (document(), True, None),
        (document(), False, SkipReason.OVER),
        (document(Stage.DONE), True, None),
        (document(Stage.DONE), False, SkipReason.OVER),
        (document(Stage.ABORTED), True, None),
        (document(state=RecordState.RETIRED), True, SkipReason.OVER),
        (document(Stage.MINT), True, SkipReason.ELSEWHERE),
        (document(Stage.REVOKE_INTENDED), False, SkipReason.ELSEWHERE),
        (document(Stage.MINT, holder=OURS), True, None),
        (document(Stage.MINT, waiting="nobody answers"), True, None),
        (document(Stage.MINT, ago=4), True, None),
        (document(Stage.MINT, ago=3), True, SkipReason.ELSEWHERE),
        (document(Stage.MINT, holder=GONE), True, None),
        (document(Stage.MINT, holder=f"{HERE}/{os.getpid()}/dd"), True, SkipReason.ELSEWHERE),
    ],
)
def test_whose_turn_a_token_is(found: Document, due: bool, expected: SkipReason | None):
    takes = timedelta(seconds=65)
    assert why_skipped(found, due=due, holder=OURS, now=NOW, takes=takes) is expected


def test_a_provider_that_takes_long_is_given_its_time():
    found, takes = document(Stage.REVOKED, ago=40), timedelta(hours=1)
    assert why_skipped(found, due=True, holder=OURS, now=NOW, takes=takes) is SkipReason.ELSEWHERE


@pytest.mark.parametrize(
    ("holder", "gone"),
    [(GONE, True), (f"{HERE}/{os.getpid()}/x", False), ("elsewhere/999999/x", False), (f"{HERE}/{10**30}/x", True),
     (f"{HERE}/x/y", False), ("", False), (f"{HERE}/1/x", False)],
    ids=["ended", "ourselves", "another machine's", "no process's number", "no number", "nobody", "somebody else's"],
)  # fmt: skip
def test_a_runner_is_gone_only_if_this_machine_knows(holder: str, gone: bool):
    assert is_runner_dead(holder) is gone


def raising(error: Exception):
    def rotate() -> object:
        raise error

    return rotate


LOST = [Conflict("somebody else", hint="look"), Unfinished("it is open", hint="resume")]


@pytest.mark.parametrize("error", LOST)
@pytest.mark.parametrize("then", list(SkipReason))
def test_who_loses_the_race_for_a_token_leaves_it(error: Exception, then: SkipReason):
    looks = iter([None, then])
    assert rotate_unless_taken(lambda: next(looks), raising(error)) is then


@pytest.mark.parametrize("error", [*LOST, Fenced("taken over", hint="look")])
def test_a_failure_of_ones_own_is_told(error: Exception):
    with pytest.raises(type(error)):
        rotate_unless_taken(lambda: None, raising(error))


def test_being_fenced_is_told_although_another_goes_on():
    looks = iter([None, SkipReason.ELSEWHERE])
    with pytest.raises(Fenced):
        rotate_unless_taken(lambda: next(looks), raising(Fenced("taken over", hint="look")))


def test_what_others_are_at_is_looked_at_until_it_is_known_how_it_ended():
    clock, looks = FakeClock(), iter([SkipReason.ELSEWHERE, SkipReason.ELSEWHERE, SkipReason.OVER])
    jobs = [
        BatchJob(name=TokenName("a"), run=lambda: next(looks), pause=60),
        BatchJob(name=TokenName("b"), run=lambda: "done", pause=60),
    ]
    results = list(run_shared(jobs, clock, Quiet()))
    assert [(each.name, each.outcome) for each in results] == [("b", "done"), ("a", SkipReason.OVER)]
    assert clock.elapsed == 2.0, "two looks a second apart, and no pause for what nobody asked the provider about"


def test_what_others_gave_up_is_done_after_all():
    looks = iter([SkipReason.ELSEWHERE, "rotated"])
    results = list(run_shared([BatchJob(name=TokenName("a"), run=lambda: next(looks))], FakeClock(), Quiet()))
    assert [each.outcome for each in results] == ["rotated"]
