"""`triage` completes records with suggestions that a person takes or not; `remove` ends what never was a token."""

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import OTHER_DRIVE
from tokenguard.domain.event import Op
from tokenguard.domain.names import token_name
from tokenguard.errors import Conflict, ExitCode
from tokenguard.usecases import triage_records

NEIGHBOUR, FOUND = "video/app/prod/upload", "video/legacy/fake-render-token"


def record(cli, name=FOUND):
    return cli.store.find(token_name(name)).document.record


def events(cli, name=FOUND):
    return [each.event for each in cli.store.history(cli.store.find(token_name(name)).id)]


@pytest.fixture
def imported(cli, tmp_path):
    """A token of a .env file beside one that is complete; returns its value."""
    cli.add(NEIGHBOUR, "--made-by", "kim")
    value = cli.world.create("render", OTHER_DRIVE).value
    (tmp_path / ".env.production").write_text(f"FAKE_RENDER_TOKEN={value}\n")
    answer = cli("import", ".env.production", "--file-format", "env", "--prefix", "video/legacy", "--provider", "fake")
    assert answer.code == 0, answer
    return value


@pytest.fixture
def line(imported, tmp_path):
    return f"dotenv:{tmp_path}/.env.production#FAKE_RENDER_TOKEN"


def offered(cli):
    (found,) = [
        each for each in cli("triage", "--plan", "--format", "json").document["records"] if each["name"] == FOUND
    ]
    return {each["field"]: each["suggestion"] for each in found["lacks"]}, found["edit"]


def test_the_plan_lists_what_is_missing_with_suggestions_and_writes_nothing(cli, imported, line):
    before = cli.everything()
    answer = cli("triage", "--plan")
    assert (answer.code, cli.everything()) == (0, before), answer
    facts, command = offered(cli)
    assert facts == {
        "owner": "video", "scope": "drive:d1", "environment": "prod", "purpose": "render", "made_by": "kim", "consumers": line,
        "created_at": "",
    }  # fmt: skip
    assert command == (
        f"tokenguard edit {FOUND} --owner video --scope drive:d1 --env prod --purpose render --made-by kim --deliver '{line}'"
    )
    assert imported not in answer.out


def test_without_a_terminal_it_lists_and_exits_3(cli, imported, words):
    before = cli.everything()
    answer = cli("triage")
    assert (answer.code, cli.everything()) == (3, before)
    assert FOUND in answer.out
    assert answer.err.splitlines()[-1].startswith("hint: ")


def test_enter_takes_each_suggestion_and_the_record_becomes_active(cli, imported, line):
    cli.tty = FakeTty("", "", "", "", "", "", "2026-01-02")
    answer = cli("triage")
    assert answer.code == 0, answer
    found = record(cli)
    assert (found.state, found.owner) == ("active", "video")
    assert str(found.scope) == "drive:d2", "as the provider says, and not the neighbours"
    assert (found.environment, found.purpose, found.made_by) == ("prod", "render", "kim")
    assert [str(each) for each in found.consumers] == [line]
    assert [each.op for each in events(cli)].count(Op.EDIT) == 1
    assert imported not in "".join(cli.tty.shown) + answer.out + answer.err
    assert cli("triage").code == 0, "nothing is left"


def test_a_warning_about_a_consumer_is_told_once(cli, imported, tmp_path):
    (tmp_path / ".env.production").chmod(0o644)
    tmp_path.chmod(0o755)
    cli.tty = FakeTty("", "", "", "", "", "", "2026-01-02")
    answer = cli("triage")
    assert answer.code == 0, answer
    told = [line for line in (answer.out + answer.err).splitlines() if "chmod o-r" in line]
    assert len(told) == 1, told


def test_answers_are_checked_at_the_question_and_fields_may_stay_open(cli, imported):
    cli.tty = FakeTty("No Team", "audio", "-", "no env!", "dev", "-", "-", "none", "soon", "-")
    assert cli("triage").code == 0
    found = record(cli)
    assert (found.owner, found.scope, found.environment, found.consumers) == ("audio", None, "dev", ())
    assert found.state == "unclaimed"


def test_a_scope_that_the_provider_contradicts_is_refused_at_its_question(cli, imported):
    cli.tty = FakeTty("", "drive:d1", "", "", "", "", "", "-")
    answer = cli("triage")
    assert answer.code == 0, answer
    assert sum("not yet" in each for each in cli.tty.shown) == 1
    assert str(record(cli).scope) == "drive:d2"


def test_a_date_in_the_future_is_refused_at_its_question(cli, imported):
    cli.tty = FakeTty("", "", "", "", "", "", "2999-01-01", "2026-01-02")
    answer = cli("triage")
    assert answer.code == 0, answer
    assert any("in the future" in each for each in cli.tty.shown)
    assert f"{record(cli).created_at:%Y-%m-%d}" == "2026-01-02"


def test_what_is_not_written_is_not_exit_0(cli, imported):
    class Meanwhile(FakeTty):
        def ask(self, prompt, *, public=False):
            if "created at" in prompt:
                assert cli.store.find(token_name(FOUND)) is not None
                cli.store.fail_next_commit = True
            return super().ask(prompt)

    cli.tty = Meanwhile("", "", "", "", "", "", "2026-01-02")
    commit = cli.store.commit

    def refused(*arguments, **more):
        if getattr(cli.store, "fail_next_commit", False):
            raise Conflict("another runner changed it", hint="again")
        return commit(*arguments, **more)

    cli.store.commit = refused
    answer = cli("triage")
    assert answer.code == int(ExitCode.UNREACHABLE), answer
    assert "0 of 1 record changed; 1 not written" in answer.out


def test_a_line_with_another_value_is_not_offered_as_consumer(cli, imported, tmp_path):
    (tmp_path / ".env.production").write_text("FAKE_RENDER_TOKEN=tgcanary-something-else\n")
    cli.tty = FakeTty("", "", "", "", "", "", "-")
    assert cli("triage").code == 0
    assert record(cli).consumers is None


def test_a_file_that_git_tracks_is_not_offered_as_consumer(cli, imported, tmp_path):
    import subprocess

    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "-f", ".env.production"], check=True)
    cli.tty = FakeTty("", "", "", "", "", "", "-")
    assert cli("triage").code == 0
    assert record(cli).consumers is None


def test_ctrl_c_keeps_what_was_answered_and_says_how_to_continue(cli, imported, tmp_path):
    second = cli.world.create("other").value
    (tmp_path / "b.env").write_text(f"FAKE_OTHER_TOKEN={second}\n")
    assert cli("import", "b.env", "--prefix", "video/legacy", "--provider", "fake").code == 0
    cli.tty = FakeTty("skip", "")
    answer = cli("triage")
    assert answer.code == 130
    assert record(cli).owner == ""
    assert "run the same command again" in answer.err


def test_neighbours_that_contradict_each_other_suggest_nothing(cli, imported):
    cli.add("video/app/prod/other", "--made-by", "alex")
    assert offered(cli)[0]["made_by"] == ""


def test_only_what_was_selected_is_asked_about(cli, imported):
    assert cli("edit", NEIGHBOUR, "--made-by", "").code == 0

    def found(*chosen):
        return [each["name"] for each in cli("triage", *chosen, "--plan", "--format", "json").document["records"]]

    assert found() == [FOUND, NEIGHBOUR], "unclaimed ones come first"
    assert found(NEIGHBOUR) == found("--owner", "video") == [NEIGHBOUR]
    cli.refused("triage", "--owner", "nosuch", "--plan")
    cli.refused("triage", "video/none", "--plan")


def test_a_provider_that_cannot_be_asked_does_not_stop_the_walk(cli, imported):
    cli.world.unknown = 3
    cli.tty = FakeTty("", "-", "", "", "", "", "-")
    assert cli("triage").code == 0
    assert record(cli).owner == "video"


# remove


@pytest.fixture
def mistaken(cli):
    assert cli("add", "a/b", "--provider", "fake", "--adopt", "github://team/app#COLOUR", "--scope", "drive:d1", "--env",
               "prod", "--owner", "video", "--purpose", "none").code == 0  # fmt: skip
    return "a/b"


def test_a_record_without_a_value_is_removed_on_a_person_s_word_and_leaves_a_tombstone(cli, mistaken):
    cli.refused("remove", mistaken, "--reason", "a colour", "--yes", code=3)
    cli.tty = FakeTty("yes", "done ada")
    answer = cli("remove", mistaken, "--reason", "a colour")
    assert answer.code == 0, answer
    found = record(cli, mistaken)
    assert found.state == "retired"
    last = events(cli, mistaken)[-1]
    assert (last.op, last.detail) == (Op.REMOVE, {"reason": "a colour", "by": "ada"})
    assert cli("list").out == ""
    assert cli("check", "--format", "json").document["violations"] == []
    assert cli("audit", "verify").code == 0
    cli.refused("remove", mistaken, "--reason", "again", "--yes")


def test_a_person_who_does_not_confirm_removes_nothing(cli, mistaken):
    cli.tty = FakeTty("no")
    cli.refused("remove", mistaken, "--reason", "a colour", code=3)
    cli.tty = FakeTty("yes", "later")
    cli.refused("remove", mistaken, "--reason", "a colour", code=3)


def test_what_may_be_a_living_token_is_not_removed(cli):
    cli.add(NEIGHBOUR)
    cli.refused("remove", NEIGHBOUR, "--reason", "x", "--yes")
    assert cli("edit", NEIGHBOUR, "--deliver", "person:ops").code == 0
    cli.tty = FakeTty("later")
    assert cli("rotate", NEIGHBOUR).code == 3
    cli.refused("remove", NEIGHBOUR, "--reason", "x", "--yes", code=3)
    cli.world.create("stranger")
    assert cli("import", "--from", "provider:fake", "--prefix", "found").code == 0
    cli.refused("remove", "found/stranger", "--reason", "x", "--yes")
    cli.add("a/c")
    assert cli("retire", "a/c", "--yes").code == 0
    cli.refused("remove", "a/c", "--reason", "x", "--yes")


@pytest.mark.parametrize("arguments", [[], ["a/b"], ["a/none", "--reason", "x"], ["a/b", "--reason", ""],
                                       ["a/b", "--reason", "a\nb"], ["A B", "--reason", "x"]])  # fmt: skip
def test_what_cannot_be_meant_is_refused(cli, mistaken, arguments):
    cli.refused("remove", *arguments)


def test_answers_count_for_the_next_record_without_another_look_at_the_store(cli, tmp_path, monkeypatch):
    lines = [f"FAKE_{word}_TOKEN={cli.world.create(word).value}" for word in ("ONE", "TWO", "THREE")]
    (tmp_path / ".env").write_text("\n".join(lines) + "\n")
    assert cli("import", ".env", "--prefix", "audio/legacy", "--provider", "fake").code == 0
    first, *others = cli("triage", "--plan", "--format", "json").document["records"]
    assert {each["field"]: each["suggestion"] for each in first["lacks"]}["owner"] == ""
    compared, neighbours = [], triage_records.SimilarRecords
    monkeypatch.setattr(triage_records, "SimilarRecords", lambda found: compared.append(1) or neighbours(found))
    cli.tty = FakeTty(
        *("sound" if each["field"] == "owner" else "-" for each in first["lacks"]), *["skip"] * len(others)
    )
    assert cli("triage").code == 0
    assert record(cli, first["name"]).owner == "sound"
    asked = [each for each in cli.tty.shown if each.strip().startswith("owner (")]
    assert ["sound: 1 token" in each for each in asked] == [False, True, True], asked
    assert len(compared) == 1
