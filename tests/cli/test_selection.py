"""Tokens are selected by what is known of them, with the same options in every command; what matches nothing is an error."""

import json

import pytest

from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace

VIDEO, DEV, AUDIO = "video/app/prod/upload", "video/app/dev/upload", "audio/site/prod/player"
EVERY = ("list", "verify", "deliver", "rotate", "retire", "runbook", "report")


@pytest.fixture
def three(cli):
    cli.add(VIDEO, "--made-by", "kim", "--account", "kim@video.example")
    cli.add(DEV, "--env", "dev", "--made-by", "alex")
    cli.add(AUDIO, "--owner", "audio", "--made-by", "kim")


SELECTIONS = {
    ("--owner", "audio"): {AUDIO},
    ("--made-by", "kim"): {VIDEO, AUDIO},
    ("--account", "kim@video.example"): {VIDEO},
    ("--provider", "fake"): {VIDEO, DEV, AUDIO},
    ("--scope", "drive:d1"): {VIDEO, DEV, AUDIO},
    ("--env", "dev"): {DEV},
    ("--name", "video/*"): {VIDEO, DEV},
    ("--name", "*/prod/*"): {VIDEO, AUDIO},
    ("--name", "video/app/???/upload"): {DEV},
    ("--made-by", "kim", "--env", "prod", "--name", "video/*"): {VIDEO},
    ("--state", "active", "--owner", "video"): {VIDEO, DEV},
}


@pytest.mark.parametrize("asked", SELECTIONS, ids=" ".join)
def test_options_select_and_combine(cli, three, asked):
    listed = cli("list", "--format", "json", *asked).document["tokens"]
    assert {each["name"] for each in listed} == SELECTIONS[asked]
    planned = cli("rotate", "--plan", "--format", "json", *asked).document["plan"]
    assert {each["name"] for each in planned} == SELECTIONS[asked]
    verified = cli("verify", "--format", "json", *asked).document["tokens"]
    assert {each["name"] for each in verified} == SELECTIONS[asked]


@pytest.mark.parametrize("command", EVERY)
def test_every_command_takes_them_and_refuses_what_no_token_can_have(cli, three, command):
    assert cli(command, "--owner", "No Team").code == 2
    assert cli(command, "--name", "video/$(id)").code == 2
    assert cli(command, "--state", "asleep").code == 2


@pytest.mark.parametrize("command", [*EVERY, "triage"])
@pytest.mark.parametrize("option", ["--owner", "--env", "--state", "--name"])
def test_an_option_that_is_given_twice_is_refused_instead_of_used_in_part(cli, three, command, option):
    before = cli.everything()
    refusal = cli.refused(command, option, "active", option, "retired")
    assert option in refusal
    assert cli.everything() == before


@pytest.mark.parametrize("command", [each for each in EVERY if each != "list"])
def test_a_selection_that_matches_nothing_is_an_error(cli, three, command):
    refusal = cli.refused(command, "--owner", "finance")
    assert "--owner finance" in refusal


def test_a_leak_selects(cli, three):
    assert cli("list", "--leaked").out == ""
    leak = Exposure(since=cli.clock.now(), reach=Spread.PUSHED, by="kim")
    found = cli.store.find(token_name(VIDEO))
    record = found.document.record
    leaked = replace(found.document, record=record.with_leak(replace(leak, fingerprint=record.fingerprint)))
    cli.store.commit(found.id, found.version, leaked, [])
    assert [each["name"] for each in cli("list", "--leaked", "--format", "json").document["tokens"]] == [VIDEO]
    assert cli("rotate", "--leaked", "--plan", "--format", "json").document["plan"][0]["name"] == VIDEO


def test_a_rotation_says_first_what_was_selected(cli, three):
    answer = cli("rotate", "--made-by", "kim", "--name", "video/*")
    assert answer.code == 0, answer
    assert answer.err.splitlines()[0] == "! selected: 1 token with --name 'video/*' --made-by kim"


def test_due_tokens_of_a_selection_only(cli, three):
    assert cli("edit", VIDEO, "--due", "2026-01-01").code == 0
    assert cli("edit", AUDIO, "--due", "2026-01-01").code == 0
    answer = cli("rotate", "--due", "--owner", "audio", "--plan", "--format", "json")
    assert [each["name"] for each in answer.document["plan"]] == [AUDIO]


@pytest.mark.parametrize("command", ["verify", "deliver", "retire", "runbook", "triage", "report"])
def test_due_is_a_part_of_the_selection(cli, three, command):
    found = cli.store.find(token_name(VIDEO))
    due = replace(found.document.record, due_at=cli.clock.now())
    cli.store.commit(found.id, found.version, replace(found.document, record=due), [])
    plan = ("--plan",) if command in {"retire", "triage"} else ("--check",) if command == "deliver" else ()
    answer = cli(command, "--due", "--owner", "video", *plan)
    assert answer.code in {0, 1, 3}, answer
    assert not (DEV in answer.out and command != "report")
    if command == "report":
        assert "only" in answer.out
        assert "--owner video --due" in answer.out
    else:
        assert "selected: 1 token with --owner video --due" in answer.err
    nothing = cli(command, "--due", "--owner", "audio", *plan)
    assert nothing.code == 0, nothing
    assert "no token" in nothing.err + nothing.out
    cli.refused(command, "--due", "--owner", "finance", *plan)


OF_STATE = (("--due",), ("--leaked",), ("--state", "pending"), ("--leaked", "--owner", "audio"))


@pytest.mark.parametrize("asked", OF_STATE, ids=" ".join)
@pytest.mark.parametrize("command", [each for each in (*EVERY, "triage") if each != "list"])
def test_of_a_state_there_may_be_no_token_and_nothing_is_to_do(cli, three, command, asked):
    before = cli.everything()
    for more in ((), ("--format", "json")):
        answer = cli(command, *asked, *more)
        assert (answer.code, cli.everything()) == (0, before), answer
        assert not more or answer.document is not None
    cli.refused(command, *asked, "--name", "nosuch/*")


def test_due_is_the_same_selection_in_every_command(cli, three):
    for name in (VIDEO, AUDIO):
        found = cli.store.find(token_name(name))
        due = replace(found.document.record, due_at=cli.clock.now())
        cli.store.commit(found.id, found.version, replace(found.document, record=due), [])
    documents = {
        "tokens": (("list", "--due"), ("verify", "--due")), "plan": (("rotate", "--due", "--plan"), ("retire", "--due", "--plan")),
    }  # fmt: skip
    for key, commands in documents.items():
        for words in commands:
            found = cli(*words, "--format", "json").document[key]
            assert {each["name"] for each in found} == {VIDEO, AUDIO}, words


def test_retired_tokens_are_not_planned_again_and_a_report_says_that_they_are_not_checked(cli, three):
    assert cli("retire", DEV, "--yes").code == 0
    planned = cli("retire", "--plan", "--state", "retired")
    assert (planned.code, "already retired" in planned.err, "revoke" in planned.out) == (0, True, False), planned
    assert cli("retire", "--state", "retired", "--yes").code == 0
    assert "the policy is not checked for retired tokens" in cli("report", "--state", "retired").out


def test_a_failure_names_its_token_once(cli, three):
    assert cli("retire", DEV, "--yes").code == 0
    answer = cli("retire", DEV, VIDEO, "--yes")
    assert f"{DEV}: {DEV}" not in answer.err + answer.out, answer
    assert f"{DEV} is retired" in answer.err


def test_a_selection_of_several_is_confirmed_on_a_terminal_before_it_is_rotated(cli, three):
    from tests.fakes.command_line import FakeTty

    cli.tty = FakeTty("3")
    assert cli("rotate", "--name", "video/*").code == 3
    assert "this replaces 2 tokens" in cli.tty.shown[-1]
    cli.tty = FakeTty("2")
    assert cli("rotate", "--name", "video/*").code == 0


def test_open_operations_are_not_counted_among_those_that_retire_begins(cli, three):
    from tests.fakes.command_line import FakeTty

    cli.world.revoke_lag = 10**6
    assert cli("retire", DEV, "--yes").code == 5
    cli.tty = FakeTty("no")
    assert cli("retire", "--owner", "video").code == 3
    assert "this revokes 1 token;" in cli.tty.shown[-1]
    answer = cli("retire", DEV, VIDEO, "--resume")
    assert answer.code == 5, answer
    assert f"no retirement of {VIDEO} is open" in answer.err
    cli.refused("retire", VIDEO, "--resume")
    cli.refused("retire", VIDEO, "--abort")
    cli.refused("retire", "--abort")


def test_several_tokens_are_retired_only_when_that_is_confirmed(cli, three):
    assert cli("retire", "--owner", "video").code == 3
    assert len(cli("list", "--format", "json").document["tokens"]) == 3
    planned = cli("retire", "--owner", "video", "--plan", "--format", "json").document["plan"]
    assert {each["name"] for each in planned} == {VIDEO, DEV}
    answer = cli("retire", "--owner", "video", "--yes", "--format", "json")
    assert answer.code == 0, answer
    assert {each["name"] for each in answer.document["results"]} == {VIDEO, DEV}
    listed = cli("list", "--state", "retired", "--format", "json").document["tokens"]
    assert {each["name"] for each in listed} == {VIDEO, DEV}


def test_a_report_of_a_selection_judges_with_the_whole_inventory_and_says_what_it_is_about(cli, three):
    whole = json.loads(cli("report", "--format", "json").out)
    part = json.loads(cli("report", "--format", "json", "--owner", "audio").out)
    assert "--owner audio" in json.dumps(part["remarks"])
    judged = {each["token"] for each in part["violations"]}
    assert judged == {AUDIO} < {each["token"] for each in whole["violations"]}
    assert VIDEO in json.dumps(part["violations"]), "its purpose is the same there"


def test_a_runbook_of_several_tokens_has_each_of_them(cli, three):
    text = cli("runbook", "--owner", "video").out
    assert text.count("\n# ") + text.startswith("# ") == 2
    assert AUDIO not in text
