"""`deliver`: a consumer that lost its value gets it back without a rotation, on record, and nothing else is touched."""

import json

import pytest

from tests.cli.manifests import written
from tests.fakes.command_line import FakeTty

NAME, OTHER = "video/app/prod/upload", "audio/app/prod/upload"


@pytest.fixture
def env_file(tmp_path):
    (tmp_path / "app").mkdir()
    return tmp_path / "app" / "service.env"


@pytest.fixture
def added(cli, env_file):
    env_file.write_text("OTHER=1\n")
    value = cli.add(NAME)
    answer = cli("edit", NAME, "--deliver", f"dotenv:{env_file}#TOKEN")
    assert answer.code == 0, answer
    return value


def results(answer):
    return [each["result"] for each in answer.document["consumers"]]


def test_a_consumer_that_lost_its_value_gets_it_back_and_that_is_on_record(cli, added, env_file):
    assert results(cli("deliver", NAME, "--check", "--format", "json")) == ["differs"]
    assert "TOKEN" not in env_file.read_text()
    answer = cli("deliver", NAME, "--format", "json")
    assert (answer.code, results(answer)) == (0, ["delivered"])
    assert env_file.read_text() == f"OTHER=1\nTOKEN={added}\n"
    again = cli("deliver", NAME, "--check", "--format", "json")
    assert (again.code, results(again)) == (0, ["holds the live value"])
    entries = json.loads(cli("audit", "log", NAME, "--op", "deliver", "--format", "json").out)["entries"]
    assert [each["phase"] for each in entries][-2:] == ["intent", "outcome"]


@pytest.mark.parametrize("damage", [lambda file: file.write_text("TOKEN=tgcanary-stale\n"), lambda file: file.unlink()])
def test_a_stale_value_and_a_missing_file_are_found_and_mended(cli, added, env_file, damage, words):
    cli("deliver", NAME)
    damage(env_file)
    found = cli("deliver", "--all", "--check")
    assert found.code == 1
    words(found)
    assert "the same command without --check delivers" in found.err
    assert cli("deliver", "--all").code == 0
    assert f"TOKEN={added}\n" in env_file.read_text()


def test_a_check_changes_nothing(cli, added):
    before = cli.everything()
    assert cli("deliver", NAME, "--check").code == 1
    assert cli.everything() == before


def test_a_person_is_listed_and_never_counts_as_wrong(cli):
    cli.add(NAME)
    assert cli("edit", NAME, "--deliver", "person:the release manager").code == 0
    answer = cli("deliver", NAME, "--format", "json")
    assert (answer.code, results(answer)) == (0, ["a person has to check it"])


def test_while_an_operation_is_open_nothing_is_delivered(cli, added, env_file, words):
    assert (
        cli("edit", NAME, "--deliver", f"dotenv:{env_file}#TOKEN", "--deliver", "person:the release manager").code == 0
    )
    cli.tty = FakeTty()  # which ends before it is answered
    assert cli("rotate", NAME).code == 130
    cli.tty = None
    assert cli.store.find(NAME).document.busy
    env_file.write_text("")
    answer = cli("deliver", NAME)
    assert answer.code == 3
    assert not env_file.read_text().count("TOKEN")
    words(answer)


def test_a_place_that_cannot_be_written_is_told_and_does_not_stop_the_rest(cli, added, env_file, tmp_path):
    cli.add(OTHER)
    assert cli("edit", OTHER, "--deliver", f"dotenv:{tmp_path}/other.env#TOKEN").code == 0
    env_file.unlink()
    env_file.mkdir()
    answer = cli("deliver", NAME, OTHER, "--format", "json")
    assert (answer.code, results(answer)) == (2, ["failed", "delivered"])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [NAME, "--all"],
        ["no/such/token/here"],
        ["--owner", "audio"],
        [NAME, "--owner", "video"],
        ["--all", "--owner", "video"],
    ],
)
def test_what_cannot_be_meant_is_refused(cli, arguments):
    cli.add(NAME)
    cli.refused("deliver", *arguments)


def test_a_new_consumer_gets_the_value_by_the_command_that_edit_names(cli, added, tmp_path):
    place = tmp_path / "new.env"
    answer = cli("edit", NAME, "--deliver", f"dotenv:{place}#A", "--deliver", "person:ops")
    (line,) = [line for line in answer.err.splitlines() if "new consumers" in line]
    words = line.partition("tokenguard ")[2].split()
    assert words == ["deliver", NAME]
    assert cli(*words).code == 0
    assert place.read_text() == f"A={added}\n"


@pytest.mark.parametrize("alone", [True, False], ids=["a person", "no value"])
def test_what_deliver_cannot_do_is_not_offered(cli, tmp_path, alone):
    cli.add(NAME)
    if alone:
        answer = cli("edit", NAME, "--deliver", "person:ops")
    else:
        written(tmp_path, "a/b: {consumers: []}")
        assert cli("apply").code in {0, 3}
        answer = cli("edit", "a/b", "--deliver", f"dotenv:{tmp_path}/x.env#A")
    assert answer.code == 0, answer
    assert "tokenguard deliver" not in answer.err
    assert "at the next rotation" in answer.err
