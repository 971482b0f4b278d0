"""`offboard`: what a leaving person made is replaced with a proof, what they were responsible for is given to others."""

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.domain.names import token_name

MADE, LOGIN, DEPUTY, OTHER = "video/app/prod/upload", "video/app/dev/upload", "audio/site/prod/player", "audio/x/prod/y"


@pytest.fixture
def tokens(cli):
    return {
        MADE: cli.add(MADE, "--made-by", "kim", "--deputy", "kim"),
        LOGIN: cli.add(LOGIN, "--made-by", "alex", "--account", "kim"),
        DEPUTY: cli.add(DEPUTY, "--made-by", "alex", "--deputy", "kim"),
        OTHER: cli.add(OTHER, "--made-by", "alex"),
    }


def record(cli, name):
    return cli.store.find(token_name(name)).document.record


def alive(cli, value):
    return cli.world.alive(cli.world.of_value(value))


def test_a_plan_says_what_would_happen_and_changes_nothing(cli, tokens, words):
    before = cli.everything()
    answer = cli("offboard", "kim", "--plan")
    assert (answer.code, cli.everything()) == (0, before)
    words(answer)
    planned = cli("offboard", "kim", "--plan", "--format", "json").document["tokens"]
    assert {each["name"]: each["then"] for each in planned} == {MADE: "rotate", LOGIN: "rotate", DEPUTY: "reassign"}


def test_every_value_that_the_person_may_have_is_replaced_and_no_record_names_them(cli, tokens, tmp_path):
    page = tmp_path / "kim.md"
    answer = cli("offboard", "kim", "--to", "alex", "--login-to", "ops", "--yes", "--output", str(page))
    assert answer.code == 0, answer
    assert [alive(cli, tokens[name]) for name in (MADE, LOGIN, DEPUTY, OTHER)] == [False, False, True, True]
    assert (record(cli, MADE).made_by, record(cli, MADE).deputy, record(cli, LOGIN).account) == ("alex", "alex", "ops")
    assert record(cli, DEPUTY).deputy == "alex"
    assert "3 tokens of 3 done" in page.read_text()
    assert page.read_text().count("3 refusals") == 2
    assert not any(value in page.read_text() + answer.out + answer.err for value in tokens.values())
    assert cli("offboard", "kim", "--plan").code == 2, "no token names them any more"


def test_the_violation_of_the_policy_is_cleared(cli, tokens, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "format: 1\nname: ours\nextends: default\nrules:\n  - {id: person-left, severity: error, people: [kim]}\n"
    )

    def left():
        found = cli("check", "--policy", str(policy), "--format", "json").document["violations"]
        return {each["token"] for each in found if each["rule"] == "person-left"}

    assert left() == {MADE, LOGIN, DEPUTY}
    assert cli("offboard", "kim", "--yes").code == 0
    assert left() == set()


def test_a_rotation_that_fails_keeps_naming_the_person_and_the_rest_goes_on(cli, tokens, tmp_path):
    (tmp_path / "app").mkdir()
    assert cli("edit", MADE, "--deliver", f"dotenv:{tmp_path}/app/x.env#TOKEN").code == 0
    (tmp_path / "app").rmdir()
    answer = cli("offboard", "kim", "--yes")
    assert answer.code == 2
    assert (record(cli, MADE).made_by, record(cli, LOGIN).account) == ("kim", "")
    assert [alive(cli, tokens[name]) for name in (MADE, LOGIN)] == [True, False]
    (tmp_path / "app").mkdir()
    assert cli("offboard", "kim", "--yes").code == 0
    assert not alive(cli, tokens[MADE])


def test_an_owner_is_never_left_empty(cli):
    cli.add(MADE, "--owner", "kim")
    cli.refused("offboard", "kim", "--yes")
    assert "--owner-to" in cli("offboard", "kim", "--yes").hint
    assert cli("offboard", "kim", "--yes", "--owner-to", "video").code == 0
    assert record(cli, MADE).owner == "video"


def test_it_asks_with_the_number_of_tokens(cli, tokens):
    assert cli("offboard", "kim").code == 3
    cli.tty = FakeTty("2")
    assert cli("offboard", "kim").code == 2
    assert alive(cli, tokens[MADE])
    cli.tty = FakeTty("3")
    assert cli("offboard", "kim").code == 0
    assert not alive(cli, tokens[MADE])


@pytest.mark.parametrize(
    "arguments",
    [
        ["kim2"],
        [""],
        [],
        ["kim", "--owner-to", "No Team", "--yes"],
        ["kim", "--to", "a\nb", "--yes"],
        ["kim", "--to", "Kim", "--yes"],
    ],
)
def test_what_cannot_be_meant_is_refused(cli, tokens, arguments):
    cli.refused("offboard", *arguments)
