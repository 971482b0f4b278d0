"""`list`, `show`, `edit`, `verify` and `retire` over one inventory."""

import os
import pty
import sys
from datetime import timedelta

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeProvider
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.names import token_name
from tokenguard.domain.scope import Scope
from tokenguard.frozen import replace
from tokenguard.ports.provider import Method

NAME = "video/app/prod/upload"


def _record(cli, name=NAME):
    return cli.store.find(token_name(name)).document.record


def _ops(cli, name=NAME):
    return [(entry.event.op, entry.event.phase) for entry in cli.store.history(cli.store.find(token_name(name)).id)]


class TestList:
    def test_an_empty_store_is_no_error(self, cli, words):
        assert cli("list", "--format", "json").document == {"tokens": []}
        answer = cli("list")
        assert (answer.code, answer.out) == (0, "")
        words(answer)

    def test_a_filter_that_nothing_fits_does_not_call_the_store_empty(self, cli, words):
        cli.add(NAME)
        words(cli("list", "--state", "retired"))

    def test_columns_for_people(self, cli):
        cli.add(NAME)
        header, row = cli("list").out.splitlines()
        assert header.split() == ["NAME", "PROVIDER", "SCOPE", "ENV", "OWNER", "STATE", "DUE"]
        assert row.split() == [NAME, "fake", "drive:d1", "prod", "video", "active,", "alive", "2027-01-30", "(90", "d)"]

    def test_filters(self, cli):
        cli.add("a/one")
        cli.add("b/two", "--env", "dev", "--owner", "audio")
        cli.world.create("x")
        names = {
            (): ["a/one", "b/two"],
            ("--owner", "audio"): ["b/two"],
            ("--env", "prod"): ["a/one"],
            ("--provider", "manual"): [],
            ("--scope", "drive:d1"): ["a/one", "b/two"],
            ("--scope", "drive:d2"): [],
            ("--state", "active"): ["a/one", "b/two"],
            ("--state", "retired"): [],
        }
        for options, expected in names.items():
            answer = cli("list", "--format", "json", *options)
            assert [token["name"] for token in answer.document["tokens"]] == expected, options

    def test_due_puts_the_most_urgent_first_and_counts_days(self, cli):
        cli.add("a/later")
        cli.add("b/overdue", "--due", "2026-10-30")
        cli.add("c/soon", "--due", "2026-11-11")
        answer = cli("list", "--within", "365", "--format", "json")
        found = [(token["name"], token["days_left"], token["overdue"]) for token in answer.document["tokens"]]
        assert found == [("b/overdue", -2, True), ("c/soon", 10, False), ("a/later", 90, False)]
        assert "(overdue 2 d)" in cli("list", "--due").out
        assert [each["name"] for each in cli("list", "--due", "--format", "json").document["tokens"]] == ["b/overdue"]
        within = cli("list", "--within", "10", "--format", "json").document["tokens"]
        assert [token["name"] for token in within] == ["b/overdue", "c/soon"]

    def test_due_follows_the_policy_of_the_environment(self, cli):
        for env, days in {"prod": 90, "staging": 180, "dev": 365, "elsewhere": 90}.items():
            cli.add(f"a/{env}", "--env", env)
            token = cli("list", "--env", env, "--format", "json").document["tokens"][0]
            assert token["days_left"] == days, env

    def test_a_team_is_a_store(self, cli, tmp_path, words):
        (tmp_path / "config.toml").write_text("")
        words(cli.refused("list", "--all-stores", "--config", "config.toml"))


class TestShow:
    def test_everything_on_record(self, cli):
        value = cli.add(NAME, "--made-by", "Ada", "--permission", "posts:write", "--notes", "made for the launch")
        answer = cli("show", NAME)
        for shown in (
            "Ada",
            "posts:write",
            "made for the launch",
            "active, alive",
            "last operation",
            "publish (intent)",
        ):
            assert shown in answer.out
        assert value not in answer.out

    def test_json_has_operation_and_events(self, cli):
        cli.add(NAME)
        document = cli("--format", "json", "show", NAME).document
        assert document["last_operation"]["stage"] == "done"
        assert document["events"][-1]["op"] == "done"
        assert document["operation"] is None

    def test_a_value_is_not_shown_without_a_terminal(self, cli, words):
        cli.add(NAME)
        cli.tty = FakeTty()
        words(cli.refused("show", NAME, "--reveal"))

    def test_a_value_is_shown_on_a_terminal_after_its_intent_is_written(self, cli, monkeypatch):
        value = cli.add(NAME)
        cli.tty = FakeTty()
        written = []
        monkeypatch.setattr(cli.tty, "show", lambda _text="": written.append(_ops(cli)[-1]))
        master, slave = pty.openpty()
        with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal)
            answer = cli("show", NAME, "--reveal")
        os.close(master)
        assert answer.code == 0, answer
        assert written == [(Op.DISCLOSE, Phase.INTENT)]
        assert _ops(cli)[-1] == (Op.DISCLOSE, Phase.OUTCOME)
        assert value not in answer.out + answer.err

    def test_a_name_that_is_not_there(self, cli, words):
        words(cli.refused("show", "no/such"))
        cli.add(NAME)
        assert (
            cli("show", NAME.replace("upload", "uplaod")).err.splitlines()[-1].startswith(f"hint: did you mean {NAME}?")
        )


class TestEdit:
    def test_fields_are_replaced_and_cleared(self, cli):
        cli.add(NAME, "--made-by", "Ada", "--due", "2026-12-01")
        answer = cli("edit", NAME, "--owner", "audio", "--made-by", "", "--due", "")
        assert answer.code == 0, answer
        record = _record(cli)
        assert (record.owner, record.made_by, record.due_at, record.purpose) == ("audio", "", None, "uploads")
        entry = cli.store.history(cli.store.find(NAME).id)[-1]
        assert (entry.event.op, entry.event.detail) == (Op.EDIT, {"fields": "owner,made_by,due_at"})

    def test_an_active_token_keeps_what_it_must_have(self, cli, words):
        cli.add(NAME)
        words(cli.refused("edit", NAME, "--owner", ""))

    def test_an_unclaimed_token_becomes_active_when_it_is_complete(self, cli, tmp_path):
        (tmp_path / ".env").write_text(f"UPLOAD_TOKEN={cli.world.create('x').value}\n")
        assert cli("import", ".env", "--provider", "fake").code == 0
        name = "imported/upload-token"
        assert cli("edit", name, "--owner", "video", "--scope", "drive:d1", "--env", "prod").code == 0
        assert _record(cli, name).state == "unclaimed"
        assert cli("edit", name, "--purpose", "uploads").code == 0
        assert _record(cli, name).state == "active"

    def test_a_new_name_frees_the_old_one(self, cli):
        cli.add(NAME)
        assert cli("edit", NAME, "--rename", "video/app/prod/main").code == 0
        assert cli.store.find(NAME) is None
        assert _record(cli, "video/app/prod/main").owner == "video"

    def test_a_taken_name_is_refused(self, cli, words):
        cli.add("a/one")
        cli.add("b/two")
        words(cli.refused("edit", "a/one", "--rename", "b/two"))

    def test_where_a_value_goes_changes_only_after_a_yes(self, cli, words):
        cli.add(NAME)
        cli.tty = FakeTty("no")
        words(cli.refused("edit", NAME, "--deliver", "person:ops desk", code=3))
        cli.tty = FakeTty("yes")
        assert cli("edit", NAME, "--deliver", "person:ops desk").code == 0
        assert "person:ops desk" in "\n".join(cli.tty.shown)
        assert [str(each) for each in _record(cli).consumers] == ["person:ops desk"]

    def test_an_address_is_confirmed_only_if_it_is_the_configured_one(self, cli, words):
        cli.add(NAME)
        words(cli.refused("edit", NAME, "--base-url", "http://127.0.0.1:2"))
        cli.vendors.fake.base_url = "http://127.0.0.1:2"
        assert cli("edit", NAME, "--base-url", "http://127.0.0.1:2").code == 0
        assert _record(cli).base_url == "http://127.0.0.1:2"

    def test_no_two_tokens_are_delivered_to_one_place(self, cli, tmp_path, words):
        place = f"dotenv:{tmp_path}/.env#TOKEN"
        cli.add("a/one")
        cli.add("b/two")
        assert cli("edit", "a/one", "--deliver", place, "--deliver", "person:ops").code == 0
        words(cli.refused("edit", "b/two", "--deliver", place))
        assert cli("edit", "b/two", "--deliver", "person:ops").code == 0, "a person takes several"
        assert cli("edit", "a/one", "--deliver", place).code == 0, "its own place may be named again"
        assert cli("retire", "a/one", "--yes").code == 0
        assert cli("edit", "b/two", "--deliver", place).code == 0, "what is retired holds no place"

    def test_nothing_to_change_is_refused(self, cli, words):
        cli.add(NAME)
        words(cli.refused("edit", NAME))

    def test_an_open_operation_protects_the_record(self, cli):
        cli.add(NAME)
        cli.world.unknown = 1000
        assert cli("retire", NAME, "--yes").code != 0
        if cli.store.find(NAME).document.busy:
            assert "open operation" in cli.refused("edit", NAME, "--owner", "audio", code=3)


class TestVerify:
    def test_alive(self, cli):
        cli.add(NAME)
        cli.clock.sleep(60)
        answer = cli("verify", NAME)
        assert answer.code == 0, answer
        assert _record(cli).seen.at == cli.clock.now()
        assert _ops(cli)[-1] == (Op.VERIFY, Phase.FACT)

    @pytest.mark.parametrize(
        ("spoil", "code", "result"),
        [
            (lambda world: world.revoke("id1"), 1, "dead"),
            (lambda world: setattr(world, "unknown", 1), 4, "unknown"),
        ],
    )
    def test_dead_and_unclear_have_their_exit_codes(self, cli, spoil, code, result):
        cli.add(NAME)
        spoil(cli.world)
        answer = cli("verify", "--all", "--format", "json")
        assert (answer.code, answer.document["tokens"][0]["result"]) == (code, result)

    def test_a_refused_value_that_was_never_accepted_is_not_called_dead(self, cli):
        cli.add("video/app/dev/upload")  # the control
        value = cli.add(NAME, "--no-verify")
        cli.world.revoke("id2")
        for _ in range(2):
            answer = cli("verify", NAME, "--format", "json")
            assert (answer.code, answer.document["tokens"][0]["result"]) == (1, "refused")
        cli.world.of_value(value).revoked_at = None
        assert cli("verify", NAME).code == 0
        cli.world.revoke("id2")
        answer = cli("verify", NAME, "--format", "json")
        assert (answer.code, answer.document["tokens"][0]["result"]) == (1, "dead")

    def test_a_refusal_in_an_outage_is_unknown_and_is_never_recorded_as_dead(self, cli):
        names = (NAME, "video/app/dev/upload")
        for name in names:
            cli.add(name)
        cli.world.outage = True
        answer = cli("verify", "--all", "--format", "json")
        assert (answer.code, [each["result"] for each in answer.document["tokens"]]) == (4, ["unknown"] * 2)
        assert cli("verify", NAME).code == 4
        assert [_record(cli, name).seen.verdict.value for name in names] == ["unknown"] * 2
        cli.world.outage = False
        cli.world.revoke("id1")
        assert cli("verify", NAME).code == 1, "the other one was accepted meanwhile"

    def test_another_drive_is_a_finding(self, cli, words):
        cli.world.of_value(cli.add(NAME)).scope = Scope("drive", "d2")
        answer = cli("verify", NAME)
        assert answer.code == 1
        assert "wrong-scope" in answer.out
        words(cli("list"))

    def test_what_cannot_be_asked_is_no_failure_of_all_but_of_one(self, cli):
        assert cli(
            "add", "a/b", "--provider", "manual", "--scope", "drive:d1", "--env", "prod", "--owner", "o", "--purpose", "p",
            "--stdin", stdin="tgcanary-manual-value",
        ).code == 0  # fmt: skip
        assert cli("verify", "--all").code == 0
        assert cli("verify", "a/b").code == 4

    def test_one_broken_token_does_not_keep_the_others_from_being_asked(self, cli):
        cli.add("a/one")
        cli.add("b/two")
        cli("edit", "a/one", "--provider", "manual", "--yes")
        cli.vendors.fake.base_url = "http://127.0.0.1:9"
        answer = cli("verify", "--all", "--format", "json")
        assert [token["result"] for token in answer.document["tokens"]] == ["not-asked", "alive"]

    def test_quarantined_values_are_looked_at_again_when_they_are_due(self, cli):
        cli.add(NAME)
        assert cli("rotate", NAME).code == 0
        assert len(cli.store.find(NAME).document.quarantine) == 1
        cli.clock.sleep(timedelta(days=2).total_seconds())
        assert cli("verify", NAME).code == 0
        assert cli.store.find(NAME).document.quarantine == ()

    def test_names_or_all(self, cli):
        assert "no token was given" in cli.refused("verify")
        assert "--all" in cli.refused("verify", "--all", NAME)


class TestRetire:
    def test_it_is_revoked_proven_dead_and_kept(self, cli):
        value = cli.add(NAME)
        answer = cli("retire", NAME, "--yes", "--reason", "project ended")
        assert answer.code == 0, answer
        assert not cli.world.alive(cli.world.of_value(value))
        assert _record(cli).state == "retired"
        assert cli("list", "--format", "json").document == {"tokens": []}
        assert len(cli("list", "--state", "retired", "--format", "json").document["tokens"]) == 1

    def test_an_open_retirement_is_resumed_by_name_or_with_all_others(self, cli, monkeypatch):
        assert "nothing to resume" in cli("retire", "--resume").err
        revoke = cli.world.revoke
        for name in (NAME, "b/two"):
            cli.add(name)
        cli.add("c/three")
        monkeypatch.setattr(cli.world, "revoke", lambda id_: None)
        for name in (NAME, "b/two"):
            assert cli("retire", name, "--yes").code == 5
        assert cli("retire", NAME, "--resume").code == 5
        for wrong in (("c/three",), ("--plan",), ("--reason", "again"), ("--owner", "video")):
            cli.refused("retire", *wrong, "--resume")
        monkeypatch.setattr(cli.world, "revoke", revoke)
        assert cli("retire", NAME, "--resume").code == 0
        assert _record(cli).state == "retired"
        assert cli("retire", "--resume").code == 0
        assert len(cli("list", "--state", "retired", "--format", "json").document["tokens"]) == 2

    def test_without_a_terminal_only_yes_says_that_it_is_meant(self, cli):
        value = cli.add(NAME)
        cli.refused("retire", NAME, code=3)
        cli.refused("retire", NAME, "--no-input", code=3)
        assert cli.world.alive(cli.world.of_value(value))

    def test_one_that_a_person_must_revoke_is_refused_without_a_terminal_before_it_begins(self, cli):
        value = cli.add(NAME)
        cli.vendors.fake = FakeProvider(cli.world, mint=Method.PERSON, revoke=Method.PERSON, lists=False)
        cli.refused("retire", NAME, "--yes", code=3)
        assert cli.world.alive(cli.world.of_value(value))

    def test_a_grant_that_a_person_must_end_is_refused_without_a_terminal_before_it_begins(self, cli):
        fields = ("--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "x", "--account", "ops")
        assert cli("add", NAME, "--provider", "manual", "--kind", "oauth_grant", *fields).code == 0
        cli.refused("retire", NAME, "--yes", code=3)

    def test_a_person_is_asked_first(self, cli, words):
        cli.add(NAME)
        cli.tty = FakeTty("")
        words(cli.refused("retire", NAME, code=3))
        cli.tty = FakeTty("yes")
        assert cli("retire", NAME).code == 0

    def test_nobody_is_asked_for_what_is_refused_anyway(self, cli):
        cli.add(NAME)
        assert cli("edit", NAME, "--deliver", "person:ops").code == 0
        cli.tty = FakeTty()
        assert cli("rotate", NAME).code == 130
        cli.tty = FakeTty()
        assert "is open" in cli.refused("retire", NAME, code=3)
        assert not cli.tty.shown

    def test_a_retired_record_is_evidence(self, cli):
        cli.add(NAME)
        cli("retire", NAME, "--yes")
        assert "is retired" in cli.refused("edit", NAME, "--owner", "x")


@pytest.mark.parametrize(
    ("revocable", "code", "said"),
    [(True, 3, "new token delivered to declared consumers"), (False, 5, "revoking the old token")],
)
def test_an_open_operation_is_said_in_words(cli, monkeypatch, revocable, code, said):
    cli.add(NAME)
    if revocable:
        found = cli.store.find(token_name(NAME))
        undeclared = replace(found.document, record=replace(found.document.record, consumers=None))
        cli.store.commit(found.id, found.version, undeclared, [])
    else:
        monkeypatch.setattr(cli.world, "revoke", lambda id_: None)
    cli.tty = FakeTty()
    assert cli("rotate", NAME).code == code
    for command in (("list",), ("show", NAME), ("doctor",)):
        assert f"planned rotation: {said}" in cli(*command).out, command
    assert f"{said} (stage " in cli("show", NAME).out
