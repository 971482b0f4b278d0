"""Going back: what the audit trail tells of a token at an earlier moment, through real operations."""

from datetime import timedelta

import pytest

from tokenguard.domain.journal import Stage
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.token import RecordState
from tokenguard.inventory.as_of import record_as_of

NAME = "video/app/prod/upload"


@pytest.fixture
def days(cli):
    """The moments after each step: added, verified, edited, rotated, retired; a day and more apart."""
    moments = {}

    def step(name, *arguments):
        assert cli(*arguments).code == 0, name
        moments[name] = cli.clock.now()
        cli.clock.sleep(timedelta(days=2).total_seconds())

    cli.add(NAME)
    moments["added"] = cli.clock.now()
    cli.clock.sleep(timedelta(days=2).total_seconds())
    step("verified", "verify", NAME)
    step("edited", "edit", NAME, "--owner", "platform")
    step("rotated", "rotate", NAME)
    step("retired", "retire", NAME, "--yes")
    return moments


def at(cli, moment):
    snapshot = cli.store.find(NAME)
    return record_as_of(snapshot.document, [entry.event for entry in cli.store.history(snapshot.id)], moment)


def test_before_it_was_added_there_was_nothing(cli, days):
    assert at(cli, days["added"] - timedelta(days=1)) is None


@pytest.mark.parametrize(("when", "edited"), [("added", True), ("verified", True), ("edited", False)])
def test_before_its_rotation_it_is_as_old_as_it_was(cli, days, when, edited):
    found = at(cli, days[when])
    assert found.document.record.state is RecordState.ACTIVE
    assert found.document.record.created_at <= days["added"]
    assert found.document.record.rotated_at is None
    assert found.edited is edited
    assert found.document.record.seen.at <= days[when]
    assert found.document.record.seen.verdict is Verdict.ALIVE


def test_a_proof_was_provisional_until_the_later_look_confirmed_it(cli):
    cli.add(NAME)
    assert cli("rotate", NAME).code == 0
    rotated = cli.clock.now()
    cli.clock.sleep(timedelta(days=2).total_seconds())
    assert cli("verify", NAME).code == 0
    looked = cli.clock.now()
    cli.clock.sleep(timedelta(days=2).total_seconds())
    assert cli("verify", NAME).code == 0
    told = {moment: at(cli, moment).document.journal for moment in (rotated, looked, cli.clock.now())}
    assert [journal.proof.grade for journal in told.values()] == ["provisional", "confirmed", "confirmed"]
    assert {journal.stage for journal in told.values()} == {Stage.DONE}
    assert "old token       dead, confirmed" in cli("show", NAME).out


def test_after_its_rotation_it_is_young_and_not_yet_retired(cli, days):
    found = at(cli, days["rotated"])
    assert days["edited"] < found.document.record.rotated_at <= days["rotated"]
    assert found.document.record.state is RecordState.ACTIVE
    assert not found.document.busy


def test_after_its_end_it_is_retired_with_its_proof(cli, days):
    found = at(cli, days["retired"])
    assert found.document.record.state is RecordState.RETIRED
    assert found.document.journal.stage is Stage.DONE
    assert found.document.journal.proof is not None


def test_in_the_middle_of_an_operation_it_is_open_and_proves_nothing(cli):
    cli.add(NAME)
    assert cli("rotate", NAME).code == 0
    snapshot = cli.store.find(NAME)
    events = [entry.event for entry in cli.store.history(snapshot.id)]
    journal = snapshot.document.journal
    stages = set()
    for place, event in enumerate(events):
        if event.rotation == journal.id:
            following = events[place + 1].at if place + 1 < len(events) else None
            if following == event.at:
                continue
            found = record_as_of(snapshot.document, events, event.at).document.journal
            stages.add(found.stage)
            assert (found.proof is None) or found.stage in {Stage.DEAD, Stage.DONE}
    assert Stage.DONE in stages
    assert len(stages) > 1
