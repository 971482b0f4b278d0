"""`add --adopt`, and every command on a token whose value lives in a field that others own."""

import io
import os
import pty
import sys

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import OTHER_DRIVE, canary
from tokenguard.domain.names import token_name
from tokenguard.domain.token import Custody

NAME = "video/app/prod/upload"
URL = "vault://kv/video/app#token"
FIELDS = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")


@pytest.fixture
def adopted(cli) -> str:
    """A token that lives at URL; returns its value."""
    value = cli.world.create("by-hand").value
    cli.places.put(URL, zone="eu", token=value)
    answer = cli("add", NAME, *FIELDS, "--no-consumers", "--adopt", URL)
    assert answer.code == 0, answer
    assert value not in answer.out + answer.err
    return value


def _record(cli, name=NAME):
    return cli.store.find(token_name(name)).document.record


def test_the_value_is_read_where_it_is_and_verified(cli, adopted):
    record = _record(cli)
    assert (record.location.custody, record.location.url) == (Custody.ADOPTED, URL)
    assert record.location.server == cli.places.server
    assert record.seen.verdict == "alive"
    assert record.fingerprint
    assert cli.places.fields(URL) == {"zone": "eu", "token": adopted}
    assert cli.places.version(URL) == 1
    shown = cli("show", NAME)
    assert URL in shown.out
    location = cli("show", NAME, "--format", "json").document["location"]
    assert location == {"custody": "adopted", "url": URL, "server": cli.places.server}


def test_a_rotation_ends_with_the_new_value_in_that_field_alone(cli, adopted):
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    there = cli.places.fields(URL)
    assert there["zone"] == "eu"
    assert there["token"] != adopted
    assert cli.world.of_value(there["token"]) in cli.world.living()
    assert cli.world.of_value(adopted) not in cli.world.living()
    assert cli("verify", NAME).code == 0
    assert cli("audit", "verify").code == 0
    trail = cli("audit", "log", NAME, "--format", "json").document
    assert [each["detail"]["to"] for each in trail["entries"] if each["op"] == "publish"] == [URL] * 4


def test_the_plan_and_the_runbook_name_the_place(cli, adopted, words):
    words(cli("rotate", NAME, "--plan"))
    page = cli("runbook", NAME).out
    assert f"Its value is in the external field `{URL}`" in page
    assert f"Permission to read and replace `{URL}`" in page


def test_env_gives_what_is_there(cli, adopted, words):
    assert adopted in cli("env", "-t", f"{NAME}=TOKEN").out.replace("\\", "")
    theirs = cli.world.create("theirs").value
    cli.places.change(URL, token=theirs)
    assert theirs in cli("env", "-t", f"{NAME}=TOKEN").out
    told = [each.event.detail.get("found") for each in cli.store.history(cli.store.find(token_name(NAME)).id)]
    assert told[-2:] == ["other", "other"], "the trail does not call it ours"
    cli.places.remove(URL)
    words(cli.refused("env", "-t", f"{NAME}=TOKEN"))


def test_reveal_shows_what_is_there(cli, adopted, monkeypatch):
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", terminal)
        cli.tty = FakeTty()
        assert cli("show", NAME, "--reveal").code == 0
        assert adopted in cli.tty.shown
        cli.places.remove(URL)
        cli.tty = FakeTty()
        assert cli("show", NAME, "--reveal").code == 2
        assert adopted not in cli.tty.shown
    os.close(master)


def test_verify_says_that_somebody_else_changed_it(cli, adopted):
    theirs = cli.world.create("theirs").value
    cli.places.change(URL, token=theirs)
    before = cli.everything()
    answer = cli("verify", NAME)
    assert answer.code == 1
    assert cli.everything() == before, "what was seen is not of our value"
    assert "another writer has replaced the value" in " ".join(answer.out.split())
    cli.places.remove(URL)
    assert cli("verify", NAME).code == 3


@pytest.mark.parametrize("change", ["theirs", "nothing", "denied", "elsewhere"])
def test_doctor_says_that_the_next_rotation_would_stop(cli, adopted, change, words):
    assert "adopted place" not in cli("doctor").out
    if change == "theirs":
        cli.places.change(URL, token="tgcanary-theirs")
    if change == "nothing":
        cli.places.remove(URL)
    cli.places.denied = change == "denied"
    if change == "elsewhere":
        cli.places.server = "https://elsewhere.test:8200"
    words(cli("doctor"))


def test_a_strangers_value_is_masked_and_ours_too(cli, adopted):
    theirs = cli.world.create("theirs").value
    cli.places.change(URL, token=theirs)
    answer = cli("redact", "--all", stdin=f"a {adopted} b {theirs} c")
    assert answer.code == 0, answer
    assert adopted not in answer.out
    assert theirs not in answer.out


def test_a_rotation_does_not_begin_over_somebody_elses_value(cli, adopted):
    cli.places.change(URL, token="tgcanary-theirs")
    answer = cli("rotate", NAME)
    assert answer.code == 3, answer
    assert f"{URL} does not hold the expected value" in answer.err
    assert cli.world.of_value(adopted) in cli.world.living()


def test_retiring_leaves_the_field_to_its_owner(cli, adopted, words):
    answer = cli("retire", NAME, "--yes")
    assert answer.code == 0, answer
    words(answer)
    assert cli.places.fields(URL)["token"] == adopted
    assert cli.world.of_value(adopted) not in cli.world.living()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (("--stdin",), "an adopted value is read from its location"),
        (("--from-env", "X"), "an adopted value is read from its location"),
        (("--issue",), "--adopt keeps the existing value, --issue creates one"),
    ],
)
def test_there_is_one_source_of_the_value(cli, more, error):
    cli.places.put(URL, token=cli.world.create("t").value)
    assert cli.refused("add", NAME, *FIELDS, "--adopt", URL, *more) == error


@pytest.mark.parametrize(
    "fields",
    [{}, {"other": "x"}, {"token": None}, {"token": 12345678}, {"token": {"a": 1}}, {"token": ""}, {"token": "short"},
     {"token": "two words of tgcanary"}],
)  # fmt: skip
def test_what_is_no_value_is_not_adopted(cli, fields):
    cli.places.put(URL, **fields)
    cli.refused("add", NAME, *FIELDS, "--adopt", URL)


def test_what_is_dead_or_elsewhere_is_not_adopted(cli, words):
    cli.places.put(URL, token=canary())
    assert "dead" in cli.refused("add", NAME, *FIELDS, "--adopt", URL, code=1)
    cli.places.put(URL, token=cli.world.create("t", OTHER_DRIVE).value)
    words(cli.refused("add", NAME, *FIELDS, "--adopt", URL, code=1))


def test_a_place_and_a_value_have_one_record(cli, adopted, words):
    cli.places.put("vault://kv/other#token", token=adopted)
    assert NAME in cli.refused("add", "other/name", *FIELDS, "--adopt", "vault://kv/other#token")
    cli.places.change(URL, token=cli.world.create("new").value)
    words(cli.refused("add", "other/name", *FIELDS, "--adopt", URL))


def test_a_retired_tokens_place_can_be_adopted_anew(cli, adopted):
    assert cli("retire", NAME, "--yes").code == 0
    cli.places.change(URL, token=cli.world.create("new").value)
    assert cli("add", "other/name", *FIELDS, "--adopt", URL).code == 0


@pytest.mark.parametrize(
    "url",
    ["vault://kv", "vault://kv/app", "vault://kv/app#", "vault:///app#token", "vault://kv//app#token",
     "vault://kv/../app#token", "vault://kv/a%2Fb#token", "vault://kv/app/#token", "vault://kv/a%00b#token",
     "vault://kv/%2e%2e/app#token", "vault://kv/app#to\x1bken", "aws://eu-central-1", "aws://eu-central-1/",
     "aws://nowhere/name", "aws://eu-central-1/a?b", "aws://eu-central-1/a b#t", "aws://eu-central-1/name#",
     "vault://kv/" + "a/" * 30 + "b#token", "vault://kv/" + "a" * 1100 + "#token", "local:///srv/store#token"],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_shown(cli, url):
    error = cli.refused("add", NAME, *FIELDS, "--adopt", url)
    assert url not in error


def test_edit_confirms_a_server_that_has_moved(cli, adopted):
    cli.places.server = "https://new.test:8200"
    assert cli("rotate", NAME).code == 2
    assert cli("edit", NAME, "--adopt", URL).code == 0
    assert _record(cli).location.server == "https://new.test:8200"
    assert cli("rotate", NAME).code == 0


def test_edit_follows_a_value_that_was_copied_and_nothing_else(cli, adopted, words):
    other = "vault://kv/moved#token"
    cli.places.put(other, token="tgcanary-other-value")
    words(cli.refused("edit", NAME, "--adopt", other))
    cli.places.put(other, token=adopted)
    assert cli("edit", NAME, "--adopt", other).code == 0
    assert cli("rotate", NAME).code == 0
    assert cli.places.fields(URL)["token"] == adopted
    assert cli.places.fields(other)["token"] != adopted


def test_edit_adopts_a_value_of_the_store_where_it_is_used(cli):
    value = cli.add(NAME)
    cli.places.put(URL, token=value)
    assert cli("edit", NAME, "--adopt", URL).code == 0
    assert cli("rotate", NAME).code == 0
    assert cli.world.of_value(cli.places.fields(URL)["token"]) in cli.world.living()


def test_no_other_token_is_delivered_to_where_an_adopted_value_lives(cli, adopted, words):
    other = "video/app/prod/other"
    cli.add(other)
    words(cli.refused("edit", other, "--deliver", URL))
    assert cli.places.fields(URL)["token"] == adopted
    assert cli("edit", NAME, "--deliver", URL).code == 0, "its own place may be named"


def test_an_adopted_value_is_not_said_to_be_unreadable(cli, adopted, words):
    words(cli.refused("edit", NAME, "--adopt", "github://team/app#TOKEN"))


def test_a_list_of_places_is_adopted(cli, tmp_path):
    value, other = cli.world.create("a").value, cli.world.create("b").value
    cli.places.put(URL, token=value, api_key=other)
    (tmp_path / "list.csv").write_text(
        "name,provider,location,value\n"
        f"a/one,fake,{URL},\n"
        f"a/two,fake,vault://kv/video/app#api_key,{value}\n"
        "a/three,fake,vault://kv/video/app#nothing,\n"
        "a/four,fake,vault://kv/../app#token,\n"
    )
    answer = cli("import", "list.csv", "--format", "json")
    assert answer.code == 1, answer
    assert [each["name"] for each in answer.document["added"]] == ["a/one"]
    assert [each["reason"].partition("; ")[0] for each in answer.document["refused"]] == [
        "its value differs from the one at its location",
        "there is no such field: vault://kv/video/app#nothing",
        "its location is not valid",
    ]
    assert _record(cli, "a/one").location.url == URL
    assert cli.places.version(URL) == 1


def test_an_interrupted_adoption_is_finished_by_doing_it_again(cli, monkeypatch):
    value = cli.world.create("t").value
    cli.places.put(URL, token=value)
    with monkeypatch.context() as patched:
        patched.setattr(cli.store, "publish", _interrupt)
        assert cli("add", NAME, *FIELDS, "--adopt", URL).code == 130
    assert cli("add", NAME, *FIELDS, "--adopt", URL).code == 0
    assert cli.places.version(URL) == 1


def test_nothing_of_the_value_is_printed_where_it_is_refused(cli, monkeypatch):
    value = f"{canary()}\n"
    cli.places.put(URL, token=value)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    answer = cli("add", NAME, *FIELDS, "--adopt", URL)
    assert answer.code == 2
    assert value.strip() not in answer.out + answer.err


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
