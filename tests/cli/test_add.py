"""`add`: nothing dead, wrong, known or unclear gets in, and no value ever comes out."""

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import OTHER_DRIVE, canary
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import token_name
from tokenguard.domain.token import Custody, RecordState
from tokenguard.ports.provider import Method

NAME = "video/app/prod/upload"
FIELDS = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")


def _found(cli, name=NAME) -> Snapshot:
    return cli.store.find(token_name(name))


def test_a_live_token_is_verified_stored_and_published(cli):
    value = cli.add(NAME)
    snapshot = _found(cli)
    assert snapshot.document.record.state is RecordState.ACTIVE
    assert snapshot.document.record.seen.verdict == "alive"
    assert snapshot.document.record.base_url == "http://127.0.0.1:1"
    assert cli.store.read_live(snapshot.id).value.token.reveal() == value


@pytest.mark.parametrize("source", ["file", "env", "stdin", "prompt"])
def test_the_value_may_come_from_a_file_a_variable_stdin_or_a_prompt(cli, tmp_path, source):
    value = cli.world.create("t").value
    (tmp_path / "value").write_text(f"{value}\n")
    cli.environ["MY_TOKEN"] = value
    cli.tty = FakeTty(value) if source == "prompt" else None
    how = {"file": ["--from-file", "value"], "env": ["--from-env", "MY_TOKEN"], "stdin": ["--stdin"], "prompt": []}
    answer = cli("add", NAME, *FIELDS, *how[source], stdin=f"{value}\r\n")
    assert answer.code == 0, answer
    assert cli.store.read_live(_found(cli).id).value.token.reveal() == value
    assert value not in answer.out + answer.err


def test_a_person_is_asked_for_the_fields_that_are_missing(cli):
    value = cli.world.create("t").value
    cli.tty = FakeTty("nosuch", "fake", "Not A Team!", "video", "", "d1", "drive:d1", "uploads", "prod", value)
    answer = cli("add", NAME)
    assert answer.code == 0, answer
    record = _found(cli).document.record
    assert (record.provider, record.owner, str(record.scope), record.purpose, record.environment) == (
        "fake", "video", "drive:d1", "uploads", "prod",
    )  # fmt: skip
    assert not cli.tty.answers


def test_only_what_is_missing_is_asked_for(cli):
    value = cli.world.create("t").value
    cli.tty = FakeTty("uploads", value)
    assert cli("add", NAME, *FIELDS[:-2]).code == 0
    assert _found(cli).document.record.purpose == "uploads"


@pytest.mark.parametrize("source", [("--stdin",), ("--from-env", "MY_TOKEN")])
def test_a_script_at_a_terminal_is_not_asked(cli, source):
    cli.environ["MY_TOKEN"] = value = canary()
    cli.tty = FakeTty("fake", "video", "drive:d1", "uploads", "prod")
    assert cli.refused("add", NAME, *source, stdin=value).answer.code == 2
    assert cli.tty.shown == []


def test_what_came_is_told_before_it_is_written(cli, words):
    value = cli.world.create("t").value
    answer = cli("add", NAME, *FIELDS, "--stdin", stdin=value)
    words(answer)
    assert answer.out.startswith(f"{NAME}: active, alive; drive:d1; owner video; age unknown")


@pytest.mark.parametrize("others", [0, 1])
def test_a_refused_value_is_not_taken_and_not_called_dead(cli, words, others):
    for _ in range(others):
        cli.add("video/other")
    words(cli.refused("add", NAME, *FIELDS, "--stdin", stdin=canary(), code=1))


def test_a_value_that_is_refused_beside_others_may_be_refused_in_an_outage(cli, words):
    cli.add("video/other")
    value = cli.world.create("t").value
    cli.world.half_outage = True
    words(cli.refused("add", NAME, *FIELDS, "--stdin", stdin=value, code=4))


def test_a_token_of_another_drive_is_not_taken(cli, words):
    value = cli.world.create("t", OTHER_DRIVE).value
    words(cli.refused("add", NAME, *FIELDS, "--stdin", stdin=value, code=1))


def test_an_unclear_answer_is_not_taken_for_yes(cli, words):
    value = cli.world.create("t").value
    cli.world.unknown = 1
    words(cli.refused("add", NAME, *FIELDS, "--stdin", stdin=value, code=4))


def test_unchecked_on_request(cli):
    cli.world.unknown = 1
    assert cli("add", NAME, *FIELDS, "--no-verify", "--stdin", stdin=canary()).code == 0
    assert _found(cli).document.record.seen is None
    assert cli.world.unknown == 1, "the provider was asked all the same"


def test_one_value_has_one_name(cli, words):
    value = cli.add(NAME)
    error = cli.refused("add", "other/name", *FIELDS, "--stdin", stdin=value)
    words(error)


def test_a_name_is_taken_once(cli, words):
    cli.add(NAME)
    words(cli.refused("add", NAME, *FIELDS, "--stdin", stdin=cli.world.create("t").value))


def test_an_interrupted_add_is_finished_by_doing_it_again(cli, monkeypatch):
    value = cli.world.create("t").value
    with monkeypatch.context() as patched:
        patched.setattr(cli.store, "put_candidate", _interrupt)
        answer = cli("add", NAME, *FIELDS, "--stdin", stdin=value)
    assert answer.code == 130
    assert f"tokenguard rotate {NAME} --resume" in answer.err
    assert _found(cli).document.busy
    assert cli("add", NAME, *FIELDS, "--stdin", stdin=value).code == 0
    assert cli.store.read_live(_found(cli).id).value.token.reveal() == value


def test_an_interrupt_at_the_prompt_leaves_nothing_open(cli, words):
    cli.tty = FakeTty()
    answer = cli("add", NAME, *FIELDS)
    assert answer.code == 130
    words(answer)
    assert _found(cli) is None


def test_a_first_value_can_be_issued(cli):
    answer = cli("add", NAME, *FIELDS, "--issue", "--no-consumers")
    assert answer.code == 0, answer
    live = cli.store.read_live(_found(cli).id)
    assert cli.world.of_value(live.value.token.reveal()) is not None
    assert live.value.token.reveal() not in answer.out + answer.err


def test_issue_needs_a_person_where_there_is_no_api(cli, words):
    cli.vendors.fake.capabilities = type(cli.vendors.fake.capabilities)(
        mint=Method.PERSON, revoke=Method.PERSON, probe=True
    )
    answer = cli("add", NAME, *FIELDS, "--issue", "--no-input")
    assert answer.code == 3, answer
    words(answer)


def test_a_grant_is_entered_without_a_value(cli):
    answer = cli("add", NAME, *FIELDS, "--kind", "oauth_grant")
    assert answer.code == 0, answer
    record = _found(cli).document.record
    assert (record.state, record.location.custody) == (RecordState.ACTIVE, Custody.NONE)


def test_a_value_that_is_elsewhere_is_entered_with_its_place(cli):
    answer = cli("add", NAME, *FIELDS, "--adopt", "github://team/app#UPLOAD_TOKEN")
    assert answer.code == 0, answer
    record = _found(cli).document.record
    assert (record.location.custody, record.location.url) == (Custody.UNREADABLE, "github://team/app#UPLOAD_TOKEN")


def test_a_consumer_is_given_the_value(cli, tmp_path):
    value = cli.world.create("t").value
    answer = cli("add", NAME, *FIELDS, "--deliver", "dotenv:app.env#TOKEN", "--stdin", stdin=value)
    assert answer.code == 0, answer
    assert value in (tmp_path / "app.env").read_text()
    assert [str(each) for each in _found(cli).document.record.consumers] == [f"dotenv:{tmp_path}/app.env#TOKEN"]


def test_the_answer_is_one_json_document(cli):
    value = cli.world.create("t").value
    answer = cli("add", NAME, *FIELDS, "--stdin", "--format", "json", stdin=value)
    assert answer.document["name"] == NAME
    assert answer.document["state"] == "active"
    assert answer.document["liveness"]["verdict"] == "alive"
    assert value not in answer.out


def test_without_a_terminal_a_value_cannot_be_asked_for(cli, words):
    words(cli.refused("add", NAME, *FIELDS, code=3))


def _interrupt(*_args):
    raise KeyboardInterrupt


@pytest.mark.parametrize("told", [True, False])
def test_a_value_that_no_bundle_will_have_is_told_at_once(cli, told):
    value = "a-rather-weak-value-of-words" if told else canary()
    answer = cli("add", NAME, "--provider", "manual", *FIELDS[2:], "--no-verify", "--stdin", stdin=value)
    assert answer.code == 0
    assert ("scans will not recognize this value" in answer.err) is told
