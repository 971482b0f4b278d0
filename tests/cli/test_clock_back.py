"""A clock that was set back, and zones that change their hour: due dates are true, or the command refuses."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.manifests import written
from tests.fakes.notification_receiver import SECRET, Receiver

NAME = "video/app/prod/upload"
DAY = 86_400
STEPS = [timedelta(minutes=6), timedelta(hours=1), timedelta(days=1), timedelta(days=365)]
BEHIND = "clock is behind the timestamps in the store"


def set_back(cli, step: timedelta) -> None:
    """The wall clock alone; what the machine counts in seconds goes on."""
    cli.clock._start -= step


@pytest.fixture
def rotated(cli):
    """A token that is due, and that was used at the time that the clock loses."""
    cli.add(NAME, "--due", "2026-11-02")
    cli.clock.sleep(3 * DAY)
    assert cli("verify", NAME).code == 0
    assert cli("edit", NAME, "--purpose", "other").code == 0
    return cli


REFUSING = {
    "rotate NAME": ("rotate", NAME),
    "rotate --due": ("rotate", "--due"),
    "rotate --due --plan": ("rotate", "--due", "--plan"),
    "rotate --compromised": ("rotate", NAME, "--compromised", "--reason", "leak"),
    "retire": ("retire", NAME, "--yes"),
    "upkeep": ("upkeep",),
    "check": ("check", "--inventory-only"),
    "report": ("report",),
    "report as a page": ("report", "--html", "--output", "report.html"),
    "report as a calendar": ("report", "--format", "ics"),
    "metrics": ("metrics",),
    "doctor": ("doctor",),
}


@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize("case", REFUSING)
def test_what_depends_on_the_time_is_refused(rotated, case, step):
    """`nothing to rotate` of a late clock would be wrong for as long as the clock is late."""
    set_back(rotated, step)
    before = rotated.everything()
    answer = rotated(*REFUSING[case])
    assert answer.code == 2, answer
    assert BEHIND in answer.err or "behind the latest time" in answer.out, answer
    assert "interrupted" not in answer.out
    assert rotated.everything() == before


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_list_by_due_date_says_so(rotated, step):
    set_back(rotated, step)
    answer = rotated("list", "--due")
    assert (answer.code, BEHIND in answer.err) == (0, True), answer
    assert BEHIND not in rotated("list").err


def test_a_difference_between_machines_is_nothing(rotated):
    set_back(rotated, timedelta(minutes=4))
    assert BEHIND not in rotated("list", "--due").err
    assert rotated("rotate", "--due").code == 0


def test_an_open_operation_waits_for_the_right_time(rotated, monkeypatch):
    """The revoke is owed: that is said first, and nothing is proven by a clock that is wrong."""
    monkeypatch.setattr(rotated.world, "revoke", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert rotated("rotate", NAME).code == 130
    monkeypatch.undo()
    set_back(rotated, timedelta(days=1))
    assert rotated("rotate", "--resume").code == 5
    assert rotated("rotate", NAME, "--resume").code == 5
    set_back(rotated, -timedelta(days=1))
    assert rotated("rotate", "--resume").code == 0


@pytest.fixture
def declared(cli, tmp_path):
    """A new token, declared and approved until a day that has passed, and another one that was used since."""
    cli.approver = False
    cli.add(NAME)
    written(tmp_path, "a/b: {issue: true, consumers: []}")
    digest = cli("plan", "--format", "json").document["digest"]
    assert cli("approve", digest, "--until", "2026-11-05", "--yes").code == 0
    cli.clock.sleep(10 * DAY)
    assert cli("verify", NAME).code == 0
    return digest


@pytest.mark.parametrize("step", [timedelta(days=8), timedelta(days=9)], ids=str)
def test_an_approval_that_ended_ends_for_a_late_clock_too(cli, declared, step):
    """The token that it is for has no trail yet, so that other tokens tell the time."""
    set_back(cli, step)
    before = cli.everything()
    answer = cli("apply", "--no-input")
    assert answer.code == 3, answer
    assert BEHIND in answer.err + answer.out
    assert cli.everything() == before


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_nothing_is_approved_by_a_late_clock(cli, declared, step):
    """It would end early, without a word."""
    set_back(cli, step)
    before = cli.everything()
    answer = cli("approve", declared, "--yes")
    assert answer.code == 2, answer
    assert BEHIND in answer.err
    assert cli.everything() == before
    set_back(cli, -step)
    assert cli("approve", declared, "--yes").code == 0
    assert cli("apply", "--no-input").code == 0


@pytest.fixture
def routed(cli, tmp_path):
    """A route of this runner, with two messages an hour at most."""
    with Receiver(cli.clock) as receiver:
        cli.environ["HOOK_SECRET"] = SECRET
        config = tmp_path / "runner" / "config.toml"
        config.parent.mkdir()
        config.write_text(
            f"[notify.routes.ops]\nwebhook = '{receiver.url}/hook'\nsecret = 'env:HOOK_SECRET'\nper_hour = 1\n"
        )
        cli.environ["TOKENGUARD_CONFIG"] = str(config)
        yield receiver


@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize("words", [("notify",), ("notify", "--plan")], ids=" ".join)
def test_a_late_clock_tells_nobody_that_all_is_well(rotated, routed, words, step):
    """What is overdue is not yet due for it. Said at the right time, it is told once."""
    set_back(rotated, step)
    before = rotated.everything()
    answer = rotated(*words)
    assert answer.code == 2, answer
    assert BEHIND in answer.err
    assert (rotated.everything(), routed.bodies) == (before, [])
    set_back(rotated, -step)
    assert rotated("notify").code == 0
    assert [event for event, _ in routed.events] == ["overdue"]


@pytest.mark.parametrize("step", [timedelta(hours=7), timedelta(days=1), timedelta(days=365)], ids=str)
@pytest.mark.parametrize("status", [204, 503])
def test_a_route_is_not_silent_after_a_clock_that_was_ahead(cli, routed, status, step):
    """What it wrote of the last hour, and of its next attempt, lies as far ahead as it was."""
    cli.add("a/first", "--due", "2026-10-01")
    set_back(cli, -step)
    routed.status = status
    assert cli("notify").code == (0 if status == 204 else 4)
    set_back(cli, step)
    routed.status = 204
    cli.add("a/second", "--due", "2026-10-01")
    routed.handled.clear()
    assert cli("notify").code == 0
    assert "a/second" in {name for _, name in routed.events}


@pytest.fixture
def zone() -> Iterator[None]:
    before = os.environ.get("TZ")
    yield
    os.environ.pop("TZ", None)
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


CHANGES = {
    "Europe/Berlin": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # 02:30 comes twice
    "America/Sao_Paulo": datetime(2018, 11, 4, 2, 30, tzinfo=UTC),  # midnight does not come
    "Pacific/Apia": datetime(2011, 12, 30, 9, 30, tzinfo=UTC),  # a day does not come
}


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("place", CHANGES)
@pytest.mark.parametrize("asked_in", ["UTC", "there"])
def test_a_zone_that_changes_its_hour_changes_nothing(cli, place, asked_in):
    """Over the change: the days left, the due date and what is due are those of UTC."""
    os.environ["TZ"] = place if asked_in == "there" else "UTC"
    time.tzset()
    cli.clock._start = start = CHANGES[place]
    cli.clock.elapsed = 0.0
    due = (start + timedelta(days=1)).date()
    cli.add(NAME, "--due", due.isoformat())
    at_due = datetime.combine(due, datetime.min.time(), UTC)
    for _ in range(0, 30, 3):
        document = cli("show", NAME, "--format", "json").document
        now = cli.clock.now()
        assert document["due_at"] == f"{due.isoformat()}T00:00:00Z"
        assert document["overdue"] is (now >= at_due), now
        assert document["days_left"] == -((now - at_due) // timedelta(days=1)), now
        assert ("nothing to rotate" in cli("rotate", "--due", "--plan").out) is (now < at_due), now
        cli.clock.sleep(3 * 3_600)
