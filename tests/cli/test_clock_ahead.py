"""A clock that was ahead once: its times are found, and a person ends what would wait until they come."""

import re
from datetime import timedelta

import pytest

from tests.fakes.command_line import FakeTty

NAME, OTHER = "video/app/prod/upload", "a/b"
YEARS = timedelta(days=3_650)
RIGHT = ("edit", NAME, "--clock-was-ahead", "the machine started with a wrong date")


def step(cli, ahead: timedelta) -> None:
    cli.clock._start += ahead


@pytest.fixture
def ahead(cli):
    """A token that was rotated ten years from now, as the record has it, and one that was not."""
    cli.add(NAME)
    cli.add(OTHER)
    step(cli, YEARS)
    assert cli("rotate", NAME).code == 0
    step(cli, -YEARS)
    return cli


def test_a_person_says_that_the_clock_is_right_and_everything_goes_on(ahead):
    for words in (("rotate", NAME, "--compromised", "--reason", "leak"), ("upkeep",), ("check", "--inventory-only")):
        refused = ahead(*words)
        assert refused.code == 2
        assert "`doctor` names the records" in refused.hint
    told = ahead("doctor", "--format", "json")
    fix = re.search(r"(tokenguard edit \S+ --clock-was-ahead)", told.out)
    assert fix is not None
    assert NAME in fix[1]
    ahead.tty = FakeTty("yes")
    assert ahead(*RIGHT).code == 0
    ahead.tty = None
    assert ahead.store.find(NAME).document.record.rotated_at is None, "unknown, and not today"
    assert "audit trail of" not in ahead("audit", "verify").err
    assert "it is behind" not in ahead("doctor").out
    assert ahead("check", "--inventory-only").code in {0, 1}
    assert ahead("rotate", NAME, "--compromised", "--reason", "leak").code == 0
    assert ahead("upkeep").code == 0
    assert {made.value for made in ahead.world.living()} <= {
        held.token.reveal() for held in ahead.store._slots.values() if hasattr(held, "token")
    }


def test_the_old_value_is_looked_at_again_when_it_should_be(ahead):
    before = ahead.store.find(NAME).document.quarantine[0]
    ahead.tty = FakeTty("yes")
    assert ahead(*RIGHT).code == 0
    after, now = ahead.store.find(NAME).document.quarantine[0], ahead.clock.now()
    assert after.probe_due_at - now == before.probe_due_at - before.proof.last_at
    assert after.proof.last_at == now
    assert after.proof.grade is before.proof.grade


def test_a_revocation_that_is_owed_goes_on(cli, monkeypatch):
    """The clock was set right in the middle: the operation is not to wait ten years for its end."""
    cli.add(NAME)
    step(cli, YEARS)
    monkeypatch.setattr(cli.world, "revoke", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cli("rotate", NAME).code == 130
    monkeypatch.undo()
    step(cli, -YEARS)
    assert cli("rotate", NAME, "--resume").code == 5
    cli.tty = FakeTty("yes")
    assert cli(*RIGHT).code == 0
    cli.tty = None
    assert cli("rotate", NAME, "--resume").code == 0
    assert len(cli.world.living()) == 1
    assert cli("audit", "verify").code == 0


REFUSED = {
    "nobody to say so": (RIGHT, None, 3),
    "also with --yes": ((*RIGHT, "--yes"), None, 3),
    "an empty reason": ((*RIGHT[:3], " "), FakeTty("yes"), 2),
    "another change": ((*RIGHT, "--owner", "audio"), FakeTty("yes"), 2),
    "with the end of a leak": ((*RIGHT, "--leak-ended", "x"), FakeTty("yes"), 2),
    "a record that is not ahead": (("edit", OTHER, *RIGHT[2:]), FakeTty("yes"), 2),
}


@pytest.mark.parametrize("case", REFUSED)
def test_times_are_kept_otherwise(ahead, case):
    words, ahead.tty, code = REFUSED[case]
    ahead.refused(*words, code=code)


def test_a_person_may_say_no(ahead):
    before, ahead.tty = ahead.everything(), FakeTty("no")
    assert ahead(*RIGHT).code == 3
    assert ahead.everything() == before


def test_an_entry_that_is_dated_ahead_is_noticed_also_where_the_record_has_no_time_of_it(cli):
    """An edit leaves no time in the record: nothing but its own entry tells of the clock."""
    cli.add(NAME)
    step(cli, YEARS)
    assert cli("edit", NAME, "--purpose", "other").code == 0
    step(cli, -YEARS)
    assert "later than now" in cli("audit", "verify").err
    assert cli("audit", "verify", "--format", "json").document["wrong_times"]
    assert "later than now" in " ".join(cli("doctor").out.split())
    step(cli, timedelta(days=1))
    assert cli("verify", NAME).code == 0
    step(cli, 2 * YEARS)
    assert "later than a following entry" in cli("audit", "verify").err


def test_clocks_of_two_machines_may_differ_a_little(cli):
    cli.add(NAME)
    step(cli, timedelta(minutes=4))
    assert cli("edit", NAME, "--purpose", "other").code == 0
    step(cli, -timedelta(minutes=4))
    assert cli("verify", NAME).code == 0
    assert cli("audit", "verify").err == ""
