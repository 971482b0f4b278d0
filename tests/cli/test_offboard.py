"""`offboard`: what a leaving person made is replaced with a proof, what they were responsible for is given to others."""

import secrets
import shlex

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.domain.event import Actor, Event, Op
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace

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
    assert (record(cli, MADE).made_by, record(cli, MADE).deputy, record(cli, LOGIN).account) == (
        "tester",
        "alex",
        "ops",
    )
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
    undeliverable(cli, tmp_path)
    answer = cli("offboard", "kim", "--yes")
    assert answer.code == 2
    assert (record(cli, MADE).made_by, record(cli, LOGIN).account) == ("kim", "")
    assert [alive(cli, tokens[name]) for name in (MADE, LOGIN)] == [True, False]
    (tmp_path / "app").mkdir()
    assert cli("offboard", "kim", "--yes").code == 0
    assert not alive(cli, tokens[MADE])


def undeliverable(cli, tmp_path, name=MADE):
    """From now on a rotation of the token is refused before it begins."""
    (tmp_path / "app").mkdir()
    assert cli("edit", name, "--deliver", f"dotenv:{tmp_path}/app/x.env#TOKEN").code == 0
    (tmp_path / "app").rmdir()


def test_a_proof_of_an_earlier_rotation_is_none_of_a_value_that_was_not_replaced(cli, tokens, tmp_path):
    assert cli("rotate", MADE).code == 0
    assert cli("edit", MADE, "--made-by", "kim", "--yes").code == 0
    undeliverable(cli, tmp_path)
    page = tmp_path / "kim.md"
    assert cli("offboard", "kim", "--to", "alex", "--login-to", "ops", "--yes", "--output", str(page)).code == 2
    (failed,) = [line for line in page.read_text().splitlines() if MADE in line]
    assert "none yet" in failed
    assert "refusals" not in failed
    assert page.read_text().count("3 refusals") == 1, "of the other token, which was replaced"
    (tmp_path / "app").mkdir()
    assert cli("offboard", "kim", "--yes", "--output", str(page)).code == 0
    assert "3 refusals" in page.read_text()


@pytest.mark.parametrize("there", ["my notes\n", "# Offboarding of pat\n\n1 token of 1 done.\n"])
def test_a_page_that_is_of_something_else_is_refused_before_anything_is_revoked(cli, tokens, tmp_path, there):
    page = tmp_path / "page.md"
    page.write_text(there)
    before = cli.everything()
    assert "--force" not in cli("offboard", "kim", "--yes", "--output", str(page)).hint
    cli.refused("offboard", "kim", "--yes", "--output", str(page))
    assert (cli.everything(), page.read_text()) == (before, there)
    assert all(alive(cli, value) for value in tokens.values())


def test_an_interrupted_run_writes_what_it_has_done(cli, tokens, tmp_path, monkeypatch):
    page, of, begun = tmp_path / "kim.md", cli.vendors.of, []

    def interrupting(record):
        begun.append(record.name)
        if len(set(begun)) > 1 and begun.count(begun[-1]) > 1 and record.name != begun[0]:
            raise KeyboardInterrupt
        return of(record)

    monkeypatch.setattr(cli.vendors, "of", interrupting)
    answer = cli("offboard", "kim", "--to", "alex", "--login-to", "ops", "--yes", "--output", str(page))
    assert answer.code == 130
    monkeypatch.undo()
    done = [name for name in (MADE, LOGIN) if not alive(cli, tokens[name])]
    assert (len(done), page.read_text().count("3 refusals"), "not begun" in page.read_text()) == (1, 1, True)


def test_an_owner_is_never_left_empty(cli):
    cli.add(MADE, "--owner", "kim")
    cli.refused("offboard", "kim", "--yes")
    assert "--owner-to" in cli("offboard", "kim", "--yes").hint
    assert cli("offboard", "kim", "--yes", "--owner-to", "video").code == 0
    assert record(cli, MADE).owner == "video"


def test_it_asks_with_the_number_of_tokens(cli, tokens):
    assert cli("offboard", "kim").code == 3
    cli.tty = FakeTty("2")
    assert cli("offboard", "kim").code == 3
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


def test_a_plan_refuses_successors_as_the_command_does(cli, tokens):
    cli.refused("offboard", "kim", "--to", "Kim", "--plan")
    assert cli("offboard", "kim", "--to", "sam", "--plan").code == 0


@pytest.mark.parametrize("person", ["", " "])
def test_an_empty_name_is_not_taken_for_a_person_with_nothing_left(cli, tokens, person):
    assert "PERSON" in cli.refused("offboard", person, "--plan")


HAND = "video/app/prod/by-hand"


def by_hand(cli, *more):
    """A token of a provider without an API, created by kim with kim's login."""
    answer = cli(
        "add", HAND, "--provider", "manual", "--scope", "account:a1", "--env", "prod", "--owner", "video", "--purpose", "uploads",
        "--no-consumers", "--no-verify", "--made-by", "kim", "--account", "kim@video.example", "--stdin", *more,
        stdin=random_value(),
    )  # fmt: skip
    assert answer.code == 0, answer


def random_value():
    return f"tgcanary-{secrets.token_urlsafe(24)}"


def person(*answers):
    tty = FakeTty(*answers)
    tty.creator = None
    return tty


def test_the_same_command_completes_what_ctrl_c_left_open(cli):
    by_hand(cli)
    cli.tty = person("1", "alex", "ops@video.example")
    words = ("offboard", "kim", "--to", "alex", "--login-to", "ops@video.example")
    assert cli(*words).code == 130
    assert cli.store.find(token_name(HAND)).document.busy
    assert "an open operation is completed" in cli("offboard", "kim", "--plan").out
    cli.tty = person("1", "absent", "alex", "alex", "", random_value(), "done alex", "done alex")
    answer = cli(*words)
    assert not cli.store.find(token_name(HAND)).document.busy, (answer, cli.tty.shown)
    assert (record(cli, HAND).made_by, record(cli, HAND).account) == ("alex", "ops@video.example")
    assert cli("offboard", "kim", "--plan").code == 2


@pytest.fixture
def published(cli):
    """A rotation of a value of kim's that stopped after the new value was published: kim's own is alive."""
    value = cli.add(MADE, "--made-by", "kim")
    assert cli("edit", MADE, "--deliver", "person:ops").code == 0
    cli.tty = person("1", "later")
    assert cli("offboard", "kim", "--to", "alex").code == 3
    cli.tty = None
    assert (record(cli, MADE).made_by, alive(cli, value)) == ("tester", True)
    return value


def test_a_token_is_not_left_out_while_the_value_of_the_person_may_be_alive(cli, published):
    assert "an open operation is completed" in cli("offboard", "kim", "--plan").out
    cli.tty = person("1", "done alex")
    answer = cli("offboard", "kim", "--to", "alex")
    assert answer.code == 0, (answer, cli.tty.shown)
    assert not alive(cli, published)
    assert f"`{MADE}`" in answer.out
    assert cli("offboard", "kim", "--plan").code == 2


def test_selections_and_rules_find_the_creator_of_a_value_that_is_being_replaced(cli, published, tmp_path):
    assert [each["name"] for each in cli("list", "--made-by", "kim", "--format", "json").document["tokens"]] == [MADE]
    assert cli("rotate", "--made-by", "kim", "--plan").code == 0
    assert cli("report", "--made-by", "kim", "--format", "json").document
    policy = tmp_path / "policy.yaml"
    policy.write_text("format: 1\nname: ours\nextends: default\nrules:\n  - {id: person-left, people: [kim]}\n")
    found = cli("check", "--policy", str(policy), "--format", "json").document["violations"]
    assert [each["fix"] for each in found if each["rule"] == "person-left"] == [f"tokenguard rotate {MADE} --resume"]


def test_a_retirement_that_was_left_open_is_completed(cli):
    by_hand(cli)
    cli.tty = person()
    assert cli("retire", HAND, "--yes").code == 130
    assert cli.store.find(token_name(HAND)).document.busy
    cli.tty = person("1", "alex", "", "done alex", "done alex")
    cli("offboard", "kim", "--to", "alex")
    assert record(cli, HAND).state == "retired", cli.tty.shown


def test_neither_the_leaver_nor_their_login_is_offered_or_taken(cli, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "kim")
    by_hand(cli)
    cli.tty = person("1", "Kim", "", "KIM@video.example", "", random_value(), "done kim", "", "done")
    cli("offboard", "kim", "--to", "alex", "--login-to", "ops@video.example")
    asked = [each for each in cli.tty.shown if each.startswith(("  who does this?", "  your login at "))]
    assert asked[0] == "  who does this? your name [alex]: "
    assert next(each for each in asked if "login" in each) == "  your login at manual [ops@video.example]: "
    assert not any("kim" in each for each in asked), asked
    assert sum("person who leaves" in each for each in cli.tty.shown) >= 1, cli.tty.shown
    assert record(cli, HAND).made_by == "alex"


def test_the_task_to_revoke_names_the_login_of_the_old_token(cli):
    by_hand(cli)
    cli.tty = person("1", "alex", "ops@video.example", "", random_value(), "later")
    cli("offboard", "kim", "--to", "alex")
    assert record(cli, HAND).account == "ops@video.example", cli.tty.shown
    assert any("kim@video.example" in each for each in cli.tty.shown), cli.tty.shown


def test_without_a_successor_no_login_of_the_leaver_is_offered(cli):
    by_hand(cli)
    cli.tty = person("1", "alex", "")
    assert cli("offboard", "kim").code == 130
    assert "  your login at manual [not recorded]: " in cli.tty.shown


def test_the_creator_is_who_acted_and_an_unused_login_is_told(cli, tokens, monkeypatch):
    made = cli.vendors.of
    monkeypatch.setattr(cli.vendors, "of", lambda record: replace(made(record), admin="env:FAKE_ADMIN"))
    answer = cli("offboard", "kim", "--to", "alex", "--login-to", "ops", "--yes")
    assert answer.code == 0, answer
    assert (record(cli, LOGIN).made_by, record(cli, LOGIN).account) == ("tester", "env:FAKE_ADMIN")
    assert (
        f"{LOGIN}: created with the login env:FAKE_ADMIN; --login-to is only for tokens that a person creates"
        in answer.err
    )


def test_the_person_who_leaves_does_not_offboard_themselves(cli):
    cli.add(MADE, "--made-by", "tester")
    assert "another person runs it" in cli("offboard", "tester", "--yes").hint


def test_the_result_is_the_page_with_a_file_and_without(cli, tokens, tmp_path):
    page = tmp_path / "kim.md"
    answer = cli("offboard", "kim", "--to", "alex", "--yes", "--output", str(page))
    assert answer.code == 0, answer
    assert answer.out == page.read_text()
    assert "TOKEN" not in answer.out


def test_what_the_person_disclosed_is_named_where_it_is_only_reassigned(cli, tokens):
    snapshot = cli.store.find(token_name(DEPUTY))
    event = Event(at=cli.clock.now(), op=Op.DISCLOSE, actor=Actor(id="user:kim"), name=snapshot.document.record.name)
    cli.store.commit(snapshot.id, snapshot.version, snapshot.document, [event])
    assert (
        f"disclosed to this person on {cli.clock.now():%Y-%m-%d}: `tokenguard rotate {DEPUTY}`"
        in cli("offboard", "kim", "--yes").out
    )


def test_where_nothing_was_disclosed_the_page_says_what_was_looked_at(cli, tokens):
    assert "the audit trail has no disclosure to this person" in cli("offboard", "kim", "--yes").out


def test_a_known_person_without_tokens_is_told_apart_from_a_name_that_nothing_knows(cli):
    cli.add(MADE, "--made-by", "kim")
    assert cli("retire", MADE, "--yes").code == 0
    assert "nothing is left to do" in cli("offboard", "kim", "--plan").err
    assert "may be mistyped" in cli("offboard", "kin", "--plan").err


def test_the_command_of_a_hint_holds_a_name_with_blanks(cli):
    cli.add(MADE, "--made-by", "kim lee")
    assert cli("retire", MADE, "--yes").code == 0
    command = cli("offboard", "kim lee", "--plan").hint.partition(" lists ")[0]
    assert shlex.split(command)[-1] == "kim lee"


def test_a_rotation_that_leaves_the_token_without_a_deputy_says_so(cli):
    cli.add(MADE, "--made-by", "kim", "--deputy", "kim")
    assert "deputy removed" in cli("offboard", "kim", "--plan").out
    assert "deputy removed" not in cli("offboard", "kim", "--to", "alex", "--plan").out
    assert "deputy removed" in cli("offboard", "kim", "--yes").out


def test_a_directory_that_is_not_configured_is_not_said_to_have_been_searched(cli, tmp_path):
    """Without [people] only the records were asked."""
    cli.add(MADE, "--made-by", "kim")
    assert "people file" not in cli("offboard", "kin", "--plan").err
    (tmp_path / "people.csv").write_text("person\nkim\n")
    (tmp_path / "config.toml").write_text('[people]\nfile = "people.csv"\n')
    assert "people file" in cli("--config", "config.toml", "offboard", "kin", "--plan").err


def test_a_token_that_another_runner_renames_meanwhile_is_completed_with_its_proof(cli, monkeypatch):
    for name in (MADE, LOGIN):
        cli.add(name, "--made-by", "kim", "--deputy", "kim")
    revoke = cli.world.revoke

    def renaming(*arguments, **more):
        monkeypatch.undo()
        for each in [found for found in cli.store.scan() if not found.document.busy]:
            record = replace(each.document.record, name=token_name("video/renamed"))
            cli.store.commit(each.id, each.version, replace(each.document, record=record), [])
        return revoke(*arguments, **more)

    monkeypatch.setattr(cli.world, "revoke", renaming)
    answer = cli("offboard", "kim", "--to", "alex", "--login-to", "ops", "--yes")
    assert answer.code == 0, answer
    assert answer.out.count("3 refusals") == 2
    assert record(cli, "video/renamed").deputy == "alex"
    assert cli("offboard", "kim", "--plan").code == 2
