"""P11: a leak is a state of the record, seen by every command, until a proven death or a person with a reason ends it."""

import json

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.domain.event import Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace
from tokenguard.inventory.as_of import record_as_of
from tokenguard.ports.provider import Method

NAME = "video/app/prod/upload"
OTHER = "video/app/prod/other"
PLACE = "https://git.example/acme/app/-/blob/main/.env"


@pytest.fixture
def leaked(cli):
    """A live token that was reported as leaked, without a person; and one beside it, as a control."""
    value = cli.add(NAME, "--created", "2026-10-19")
    cli.add(OTHER)
    answer = report(cli, value, "--where", PLACE, "--since", "2026-10-20", "--no-input")
    assert answer.code == 1, answer
    return value


def report(cli, value, *more, reach="pushed"):
    return cli("respond", "--stdin", "--reach", reach, *more, stdin=value)


def record(cli, name=NAME):
    return cli.store.find(token_name(name)).document.record


def leak_checks(cli):
    return [each["level"] for each in cli("doctor", "--format", "json").document["checks"] if each["check"] == "leak"]


def trail(cli, op):
    return [each.event for each in cli.store.history(cli.store.find(token_name(NAME)).id) if each.event.op is op]


def test_it_is_on_the_record_in_the_commit_of_its_event(cli, leaked):
    leak = record(cli).leaked
    assert (f"{leak.since:%Y-%m-%d}", leak.reach, leak.where, leak.by) == ("2026-10-20", "pushed", PLACE, "user:tester")
    (event,) = trail(cli, Op.LEAK)
    assert event.detail["where"] == PLACE
    versions = [each.seq for each in cli.store.history(cli.store.find(token_name(NAME)).id)]
    assert versions == sorted(versions)


def test_every_command_that_shows_a_token_knows_it(cli, leaked, tmp_path):
    cli.add("video/app/prod/overdue", "--due", "2026-01-01")
    said = {"since": "2026-10-20T00:00:00Z", "reach": "pushed", "where": PLACE, "by": "user:tester"}
    listed = cli("list", "--due", "--format", "json").document["tokens"]
    assert (listed[0]["name"], listed[0]["leaked"]) == (NAME, said)
    assert cli("show", NAME, "--format", "json").document["leaked"] == said
    for command in (["list"], ["show", NAME], ["check"], ["runbook", NAME], ["doctor"], ["rotate", NAME, "--plan"]):
        answer = cli(*command)
        assert "leaked" in answer.out, command
    assert PLACE in cli("runbook", NAME).out
    assert cli("rotate", NAME, "--plan", "--format", "json").document["plan"][0]["leaked"] is True
    entries = cli("audit", "log", NAME, "--format", "json").out
    assert PLACE in entries


def test_check_and_doctor_fail_and_the_control_is_violated(cli, leaked):
    answer = cli("check", "--inventory-only", "--format", "json")
    assert answer.code == 1
    assert ("leaked", "error") in {
        (each["rule"], each["severity"]) for each in answer.document["violations"] if each["token"] == NAME
    }
    assert leak_checks(cli) == ["fail"]
    posture = cli("report", "--format", "json").document
    (control,) = [each for each in posture["controls"] if each["id"] == "NHI2"]
    assert control["verdict"] == "violated"
    assert posture["figures"]["leaked"] == "1"


@pytest.mark.parametrize("how", [("rotate", NAME), ("rotate", NAME, "--compromised"), ("retire", NAME, "--yes")])
def test_a_proven_death_ends_it_in_the_commit_of_its_proof(cli, leaked, how):
    assert cli(*how, "--no-input").code == 0
    assert record(cli).leaks == ()
    (death,) = trail(cli, Op.DEATH)
    assert death.detail["leaks_left"] == 0
    assert leak_checks(cli) == []


def test_the_word_of_a_person_about_a_death_ends_no_leak(cli, leaked):
    able = type(cli.vendors.fake.capabilities)
    cli.vendors.fake.capabilities = able(mint=Method.API, revoke=Method.PERSON, probe=False)
    cli.tty = FakeTty("done alex")
    answer = cli("retire", NAME, "--yes")
    assert answer.code in {0, 5}, answer
    assert record(cli).leaked is not None


def test_a_rotation_that_was_aborted_and_one_of_another_value_leave_it(cli, leaked, monkeypatch):
    cli.vendors.fake.capabilities = type(cli.vendors.fake.capabilities)(
        mint=Method.PERSON, revoke=Method.API, probe=True
    )
    cli.tty = FakeTty()
    assert cli("rotate", NAME).code == 130
    assert cli("rotate", NAME, "--abort").code in {0, 3, 130}
    assert record(cli).leaked is not None
    assert cli("rotate", OTHER, "--abort").code != 0
    assert record(cli).leaked is not None


def test_a_person_ends_it_with_a_reason_that_is_audited(cli, leaked):
    cli.tty = FakeTty("yes")
    assert cli("edit", NAME, "--leak-ended", "the page was never published").code == 0
    assert record(cli).leaks == ()
    event = trail(cli, Op.LEAK)[-1]
    assert (event.detail["result"], event.detail["reason"]) == ("ended", "the page was never published")


@pytest.mark.parametrize(
    ("arguments", "tty", "code"),
    [
        (("--leak-ended", "a reason"), None, 3),
        (("--leak-ended", "a reason", "--yes"), None, 3),
        (("--leak-ended", ""), FakeTty("yes"), 2),
        (("--leak-ended", "  "), FakeTty("yes"), 2),
        (("--leak-ended", "two\nlines"), FakeTty("yes"), 2),
        (("--leak-ended", "x" * 201), FakeTty("yes"), 2),
        (("--leak-ended", "a reason"), FakeTty("no"), 3),
        (("--leak-ended", "a reason", "--owner", "audio"), FakeTty("yes"), 2),
    ],
)
def test_nothing_less_ends_it(cli, leaked, arguments, tty, code):
    cli.tty = tty
    cli.refused("edit", NAME, *arguments, code=code)


def test_what_has_not_leaked_has_no_leak_to_end(cli):
    cli.add(NAME)
    cli.tty = FakeTty("yes")
    cli.refused("edit", NAME, "--leak-ended", "a reason")


@pytest.mark.parametrize(
    "arguments",
    [("--since", "2031-01-01"), ("--since", "yesterday"), ("--where", "a\nb"), ("--where", "x" * 201),
     ("--where", "sk-social-tgcanary0123456789abcdefABCDEF")],
)  # fmt: skip
def test_a_place_or_a_day_that_is_none_is_refused_before_anything_is_read(cli, arguments):
    value = cli.add(NAME)
    cli.refused("respond", "--stdin", "--reach", "pushed", *arguments, stdin=value)


def test_a_person_is_asked_where_it_is_and_the_timeline_begins_with_the_leak(cli, tmp_path):
    value = cli.add(NAME)
    cli.clock.sleep(86_400)
    page = tmp_path / "incident.md"
    cli.tty = FakeTty("pushed", PLACE, "no")
    assert cli("respond", "--stdin", "--summary", str(page), stdin=value).code == 1
    assert record(cli).leaked.where == PLACE
    timeline = page.read_text().partition("### Timeline")[2]
    first = [line for line in timeline.splitlines() if line.startswith("|")][2]
    assert "leaked" in first
    assert "git.example" in first


def test_what_never_left_a_working_copy_or_is_proven_dead_is_no_open_leak(cli):
    value = cli.add(NAME)
    cli.add(OTHER)
    report(cli, value, "--no-input", reach="staged")
    assert record(cli).leaked is None
    assert cli("rotate", NAME).code == 0
    report(cli, value, "--no-input")
    assert record(cli).leaked is None


def test_a_second_report_widens_it(cli, leaked):
    report(cli, leaked, "--where", "elsewhere", "--no-input", reach="public")
    leak = record(cli).leaked
    assert (len(record(cli).leaks), leak.reach, leak.where, f"{leak.since:%m-%d}") == (1, "public", PLACE, "10-20")


def test_it_is_rotated_by_its_state_in_the_order_that_the_policy_says(cli, leaked):
    report(cli, leaked, "--no-input", reach="public")
    plan = cli("rotate", "--due", "--no-input", "--plan", "--format", "json").document["plan"]
    assert [(each["name"], each["mode"]) for each in plan] == [(NAME, "compromised")]
    assert cli("rotate", "--due", "--no-input").code == 0
    assert record(cli).leaks == ()


def test_as_of_an_earlier_day_it_is_as_it_was(cli, leaked):
    before, during = cli.clock.now(), None
    cli.clock.sleep(86_400)
    during = cli.clock.now()
    cli.clock.sleep(86_400)
    assert cli("rotate", NAME).code == 0
    snapshot = cli.store.find(token_name(NAME))
    events = [each.event for each in cli.store.history(snapshot.id)]
    leak = record_as_of(snapshot.document, events, during).document.record.leaked
    assert (leak.reach, leak.where, leak.by) == ("pushed", PLACE, "user:tester")
    assert record_as_of(snapshot.document, events, cli.clock.now()).document.record.leaked is None
    assert record_as_of(snapshot.document, events, before).document.record.leaked is not None
    assert json.loads(cli("show", NAME, "--format", "json").out)["leaked"] is None


@pytest.fixture
def leaked_before(cli):
    """A live token of which an older value is on record as leaked, and is not kept any more."""
    cli.add(NAME)
    snapshot = cli.store.find(token_name(NAME))
    leak = Exposure(since=cli.clock.now(), reach=Spread.PUBLIC, by="user:tester", fingerprint=Fingerprint("0" * 32))
    document = replace(snapshot.document, record=snapshot.document.record.with_leak(leak))
    cli.store.commit(snapshot.id, snapshot.version, document, [])
    return document.record.fingerprint


def test_the_leak_of_an_older_value_revokes_nothing_and_stays_on_record(cli, leaked_before):
    for _ in range(2):
        cli("upkeep", "--no-input")
        assert cli("rotate", "--due", "--no-input").code == 0
        assert record(cli).fingerprint == leaked_before
    assert record(cli).leaked is not None


def test_a_proven_death_ends_the_leak_of_that_value_alone(cli, leaked_before):
    value = cli.store.read_live(cli.store.find(token_name(NAME)).id).value.token.reveal()
    assert report(cli, value, "--no-input").code == 1
    assert len(record(cli).leaks) == 2
    assert cli("rotate", NAME, "--no-input").code == 0
    assert [each.fingerprint for each in record(cli).leaks] == ["0" * 32]


def test_the_leak_of_an_older_value_is_shown_with_what_ends_it(cli, leaked_before):
    (found,) = [each for each in cli("doctor", "--format", "json").document["checks"] if each["check"] == "leak"]
    (violation,) = [
        each
        for each in cli("check", "--inventory-only", "--format", "json").document["violations"]
        if each["rule"] == "leaked"
    ]
    for hint in (found["hint"], violation["fix"], cli("runbook", NAME).out):
        assert f"verify {NAME}" in hint
        assert "--leak-ended" in hint
        assert "--compromised" not in hint or hint.startswith("#")
    for command in (["list"], ["show", NAME]):
        assert "leaked" in cli(*command).out
    assert cli("rotate", NAME, "--plan", "--format", "json").document["plan"][0]["leaked"] is False
