"""`apply`: what is declared becomes so, once, by whoever comes first; what only a person can do is listed."""

import re

import pytest

from tests.cli.manifests import written
from tests.fakes.command_line import FakeTty
from tokenguard.domain.names import token_name


def record(cli, name):
    found = cli.store.find(token_name(name))
    return found.document.record if found else None


def plan(cli):
    return cli("plan", "--format", "json").document


def reasons(cli, name):
    found = cli.store.find(token_name(name))
    return [entry.event.detail.get("reason", "") for entry in cli.store.history(found.id)]


def test_a_token_that_the_provider_makes_is_live_and_delivered_after_one_apply(cli, tmp_path):
    env = tmp_path / "app.env"
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{env}#TOKEN]}}")
    answer = cli("apply")
    assert answer.code == 0, answer
    (made,) = cli.world.living()
    assert f"TOKEN={made.value}" in env.read_text()
    assert made.value not in answer.out + answer.err
    assert record(cli, "a/b").state == "active"
    assert plan(cli)["actions"] == []


def test_every_change_carries_the_plan_and_its_action_as_its_reason(cli, tmp_path):
    cli.add("a/changes")
    written(tmp_path, "a/changes: {owner: audio}", "a/new: {issue: true}", "a/waits: {}")
    digest = plan(cli)["digest"]
    assert cli("apply", "--digest", digest).code == 0
    for name in ("a/changes", "a/new", "a/waits"):
        assert any(re.match(f"apply {digest} [0-9a-f]{{64}}", str(reason)) for reason in reasons(cli, name)), name
    assert cli("audit", "verify").code == 0


def test_a_new_consumer_of_a_live_token_is_given_its_value_and_the_outcome_is_on_record(cli, tmp_path):
    value = cli.add("a/b")
    env = tmp_path / "late.env"
    written(tmp_path, f"a/b: {{consumers: [dotenv:{env}#T]}}")
    assert cli("apply").code == 0
    assert env.read_text().strip() == f"T={value}"
    found = cli.store.find(token_name("a/b"))
    events = [(entry.event.op, entry.event.phase) for entry in cli.store.history(found.id)][-2:]
    assert events == [("deliver", "intent"), ("deliver", "outcome")]
    assert [each.level for each in found.document.journal.handovers] == ["confirmed"]


def test_if_the_intent_cannot_be_written_nothing_is_delivered(cli, tmp_path, monkeypatch):
    cli.add("a/b")
    env = tmp_path / "late.env"
    written(tmp_path, f"a/b: {{consumers: [dotenv:{env}#T]}}")
    real = cli.store.commit

    def commit(token, expected, document, events):
        if any(event.op == "deliver" for event in events):
            raise KeyboardInterrupt
        return real(token, expected, document, events)

    monkeypatch.setattr(cli.store, "commit", commit)
    answer = cli("apply")
    assert answer.code == 130
    assert "run the same command again" in answer.err.splitlines()[-1]
    assert not env.exists()


def test_what_a_person_must_bring_is_a_to_do_and_add_completes_it_with_the_name_alone(cli, tmp_path):
    env = tmp_path / "app.env"
    written(tmp_path, f"a/b: {{consumers: [dotenv:{env}#T], deputy: grace}}")
    answer = cli("apply")
    assert (answer.code, record(cli, "a/b").state) == (0, "pending")
    assert cli("rotate", "a/b").err.splitlines()[-1] == "hint: `tokenguard add a/b` brings it"
    assert "tokenguard add a/b" in answer.out
    value = cli.world.create("by hand").value
    done = cli("add", "a/b", "--stdin", stdin=value)
    assert done.code == 0, done
    assert (record(cli, "a/b").state, record(cli, "a/b").deputy) == ("active", "grace")
    assert value in env.read_text()
    assert (plan(cli)["actions"], plan(cli)["todos"]) == ([], [])


def test_a_live_token_is_never_ended_without_leave(cli, tmp_path, words):
    cli.add("a/b")
    written(tmp_path, "a/b: {state: retired}", "a/c: {issue: true}")
    words(cli.refused("apply"))
    assert cli("apply", "--allow-retire").code == 0
    assert record(cli, "a/b").state == "retired"
    assert len(cli.world.living()) == 1


def test_a_token_that_the_manifest_no_longer_names_is_left_alone(cli, tmp_path):
    cli.add("a/b")
    written(tmp_path)
    answer = cli("apply", "--allow-retire")
    assert (answer.code, record(cli, "a/b").state) == (0, "active")
    assert plan(cli)["undeclared"] == ["a/b"]


def test_another_plan_than_the_reviewed_one_is_refused(cli, tmp_path, words):
    written(tmp_path, "a/b: {issue: true}")
    digest = plan(cli)["digest"]
    written(tmp_path, "a/b: {issue: true, consumers: ['command:mine']}")
    words(cli.refused("apply", "--digest", digest))
    written(tmp_path, "a/b: {issue: true}")
    cli.add("a/b")
    assert cli("edit", "a/b", "--purpose", "else").code == 0
    words(cli.refused("apply", "--digest", digest))


@pytest.mark.parametrize("digest", ["", "x", "sha256:", "sha256:" + "0" * 63, "SHA256:" + "0" * 64, "0" * 64])
def test_what_is_no_digest_is_bad_input(cli, tmp_path, digest):
    written(tmp_path, "a/b: {issue: true}")
    cli.refused("apply", "--digest", digest)


def test_a_reviewed_plan_cannot_be_taken_for_another_store(cli, tmp_path, words):
    written(tmp_path, "a/b: {issue: true}")
    digest = plan(cli)["digest"]
    cli.store.store_id = "b" * 32
    words(cli.refused("apply", "--digest", digest))


def test_a_person_at_the_terminal_is_asked_and_may_say_no(cli, tmp_path):
    written(tmp_path, "a/b: {issue: true}")
    cli.tty = FakeTty("no")
    assert cli("apply").code == 3
    assert record(cli, "a/b") is None
    cli.tty = FakeTty("yes")
    answer = cli("apply")
    assert answer.code == 0
    assert "digest sha256:" in answer.out
    assert len(cli.world.living()) == 1


def test_ctrl_c_at_the_question_writes_nothing(cli, tmp_path):
    written(tmp_path, "a/b: {issue: true}")
    cli.tty = FakeTty()
    before = cli.everything()
    assert cli("apply").code == 130
    assert cli.everything() == before


def test_a_hand_over_is_asked_of_the_person_who_is_there_and_stays_a_to_do_where_nobody_is(cli, tmp_path):
    cli.add("a/b")
    written(tmp_path, "a/b: {consumers: ['person:the desk']}")
    answer = cli("apply", "--format", "json")
    assert (answer.code, [each["wait"] for each in answer.document["todos"]]) == (0, ["hand-over"])
    cli.tty = FakeTty("")
    answer = cli("apply", "--yes", "--format", "json")
    assert (answer.code, [each["wait"] for each in answer.document["todos"]]) == (0, ["hand-over"]), "left for later"
    cli.tty = FakeTty("done", "ada")
    answer = cli("apply", "--yes")
    assert answer.code == 0, answer
    assert plan(cli)["todos"] == []


def test_a_consumer_that_could_never_be_given_a_value_is_found_before_anything_is_written(cli, tmp_path):
    written(tmp_path, "a/a: {issue: true}", "a/b: {issue: true, consumers: ['dotenv:/no/such/place/.env#T']}")
    said = cli.refused("apply")
    assert said.startswith("tokens.yaml:10:3: a/b: dotenv:/no/such/place/.env#T: "), "the line that must be mended"
    written(tmp_path, "a/a: {issue: true}", "a/b: {issue: true, consumers: ['command:unknown']}")
    cli.refused("apply")


def test_one_that_fails_does_not_keep_the_rest(cli, tmp_path, monkeypatch):
    written(tmp_path, "a/a: {issue: true}", "a/b: {issue: true}", "a/c: {issue: true}")
    from tests.fakes.world import FakeIssuer
    from tokenguard.ports.provider import CreateRefused

    real = FakeIssuer.create

    def create(self, wanted):
        if wanted.label.startswith("a-b"):
            raise CreateRefused("fake refuses", hint="try later")
        return real(self, wanted)

    monkeypatch.setattr(FakeIssuer, "create", create)
    answer = cli("apply", "--format", "json")
    assert answer.code == 4
    assert {each["name"]: each["exit_code"] for each in answer.document["results"]} == {"a/a": 0, "a/b": 4, "a/c": 0}
    assert answer.document["left"] == 1
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert cli("apply").code == 0
    assert len(cli.world.living()) == 3


def test_the_number_of_tokens_side_by_side_is_checked(cli, tmp_path):
    written(tmp_path, "a/b: {issue: true}")
    cli.refused("apply", "--jobs", "0")
    cli.refused("apply", "--jobs", "many")
    cli.refused("apply", "--jobs", "1000")


def test_an_environment_is_applied_alone(cli, tmp_path):
    from tests.cli.manifests import HEAD

    head = HEAD.replace("  environment: prod\n", "")
    written(tmp_path, "a/b: {issue: true}", "a/p: {issue: true, environment: prod}",
            head=head, more="environments: {prod: {}, staging: {tokens: {a/b: {deputy: grace}}}}\n")  # fmt: skip
    assert cli("apply", "--env", "staging").code == 0
    assert (record(cli, "a/b").environment, record(cli, "a/b").deputy) == ("staging", "grace")
    assert record(cli, "a/p") is None
    cli.refused("apply")
    assert cli("plan", "--env", "prod").code == 0


def test_a_record_without_a_value_is_closed_without_asking_anybody(cli, tmp_path):
    written(tmp_path, "a/b: {}")
    assert cli("apply").code == 0
    written(tmp_path, "a/b: {state: retired}")
    assert cli("apply").code == 0
    assert record(cli, "a/b").state == "retired"


def test_an_unclaimed_token_becomes_a_full_member_by_its_declaration(cli, tmp_path):
    value = cli.world.create("x").value
    (tmp_path / ".env").write_text(f"UPLOAD_TOKEN={value}\n")
    assert cli("import", ".env", "--provider", "fake", "--scope", "drive:d1").code == 0
    assert record(cli, "imported/upload-token").state == "unclaimed"
    written(tmp_path, "imported/upload-token: {}")
    assert cli("apply").code == 0
    assert record(cli, "imported/upload-token").state == "active"


def test_a_token_that_waits_for_its_value_is_never_due_and_no_rotation_trips_over_it(cli, tmp_path):
    written(tmp_path, "a/b: {due: 2026-11-02}")
    assert cli("apply").code == 0
    cli.clock.sleep(300 * 86_400)
    assert cli("list", "--due", "--format", "json").document["tokens"] == []
    assert cli("rotate", "--due").code == 0
    assert cli("rotate", "--all-of", "drive:d1", "--compromised").code == 0
    found = cli("check", "--format", "json").document
    assert not {"maximum-age", "never-verified", "scope-verified"} & {each["rule"] for each in found["violations"]}
    assert {"rule": "never-verified", "reason": "it waits for its first value", "tokens": 1} in found["not_evaluable"]


def test_an_operation_of_another_runner_is_left_to_it_until_it_is_silent(cli, tmp_path):
    from tokenguard.frozen import replace

    written(tmp_path, "a/b: {issue: true}")
    cli.world.unknown = 100
    assert cli("apply").code == 4
    cli.world.unknown = 0
    found = cli.store.find(token_name("a/b"))
    moving = replace(found.document.journal, holder="elsewhere/7/x", waiting_for="", updated_at=cli.clock.now())
    cli.store.commit(found.id, found.version, replace(found.document, journal=moving), [])
    before = cli.clock.monotonic()
    assert cli("apply").code == 0
    assert cli.clock.monotonic() - before >= 120
    assert len(cli.world.living()) == 1


def test_a_provider_that_cannot_be_reached_leaves_what_the_next_apply_finishes(cli, tmp_path):
    written(tmp_path, "a/b: {issue: true}")
    cli.world.unknown = 100
    answer = cli("apply", "--format", "json")
    assert (answer.code, answer.document["left"]) == (4, 1)
    cli.world.unknown = 0
    assert plan(cli)["actions"][0]["verbs"] == ["resume"]
    assert cli("apply").code == 0
    assert len(cli.world.living()) == 1


def test_what_another_person_has_begun_at_a_guided_provider_is_left_to_people(cli, tmp_path):
    written(tmp_path, "a/b: {provider: manual, issue: guided}")
    assert cli("apply").code == 0
    cli.tty = FakeTty()
    assert cli("add", "a/b", "--issue").code == 130
    cli.tty = None
    answer = cli("apply", "--format", "json")
    assert (answer.code, [each["wait"] for each in answer.document["todos"]]) == (0, ["resume"])


def test_an_end_that_a_person_must_make_is_a_to_do(cli, tmp_path):
    written(tmp_path, "a/b: {provider: manual}")
    assert cli("apply").code == 0
    value = cli.world.create("x").value
    assert cli("add", "a/b", "--stdin", "--no-verify", "--no-consumers", stdin=value).code == 0
    written(tmp_path, "a/b: {state: retired}")
    answer = cli("apply", "--format", "json")
    assert (answer.code, [each["command"] for each in answer.document["todos"]]) == (0, ["tokenguard retire a/b"])


def test_a_due_token_that_needs_a_person_is_a_to_do_and_one_that_needs_nobody_is_rotated(cli, tmp_path):
    cli.add("a/nobody")
    cli.add("a/person", "--label", "x")
    assert cli("edit", "a/person", "--deliver", "person:the desk").code == 0
    written(tmp_path, "a/nobody: {}", "a/person: {}")
    cli.clock.sleep(100 * 86_400)
    answer = cli("apply", "--format", "json")
    assert answer.code == 0, answer
    assert {each["name"]: each["verbs"] for each in answer.document["results"]} == {"a/nobody": ["rotate"]}
    assert {(each["name"], each["wait"]) for each in answer.document["todos"]} >= {("a/person", "rotate")}


def test_a_token_pinned_to_another_address_is_not_touched(cli, tmp_path, words):
    cli.add("a/b")
    cli.vendors.fake.base_url = "http://127.0.0.1:2"
    written(tmp_path, "a/b: {owner: audio}")
    words(cli.refused("apply"))


def test_a_first_value_that_a_person_must_hand_over_waits_for_that_person(cli, tmp_path, words):
    written(tmp_path, "a/b: {issue: true, consumers: ['person:the desk']}")
    answer = cli("apply", "--format", "json")
    assert (answer.code, [each["command"] for each in answer.document["todos"]]) == (0, ["tokenguard add a/b --issue"])
    words(cli("apply"))
    cli.tty = FakeTty("done ada")
    assert cli("add", "a/b", "--issue").code == 0
    assert (plan(cli)["actions"], plan(cli)["todos"]) == ([], [])


def test_a_value_that_somebody_else_has_put_at_an_adopted_place_is_not_handed_on(cli, tmp_path, monkeypatch):
    from tokenguard.frozen import replace
    from tokenguard.ports.store import FieldState

    cli.add("a/b")
    env = tmp_path / "late.env"
    written(tmp_path, f"a/b: {{consumers: [dotenv:{env}#T]}}")
    real = cli.store.read_live
    monkeypatch.setattr(cli.store, "read_live", lambda token: replace(real(token), found=FieldState.DIFFERENT))
    answer = cli("apply")
    assert answer.code == 3
    assert not env.exists()


HOSTED = {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"}


def test_on_a_runner_that_a_ci_throws_away_a_file_is_refused_by_every_command_and_nothing_is_made(cli, tmp_path):
    env = tmp_path / "app.env"
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{env}#TOKEN]}}")
    cli.environ = {**cli.environ, **HOSTED}
    planned = cli("plan")
    assert (planned.code, planned.err.count("error: ")) == (2, 1), planned
    refused = cli("apply")
    assert (refused.code, refused.err.count("error: ")) == (2, 1), refused
    assert (env.exists(), cli.world.living()) == (False, [])


def test_a_token_of_such_a_file_is_not_rotated_there_and_drift_does_not_guess(cli, tmp_path):
    env = tmp_path / "app.env"
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{env}#TOKEN]}}")
    assert cli("apply").code == 0
    before, (living,) = env.read_text(), cli.world.living()
    cli.environ = {**cli.environ, **HOSTED}
    for arguments in (["rotate", "a/b"], ["rotate", "a/b", "--compromised", "--reason", "x"]):
        refused = cli(*arguments, "--no-input")
        assert (refused.code, refused.err.count("error: ")) == (2, 1), refused
    assert (env.read_text(), cli.world.living()) == (before, [living])
    env.unlink()
    answer = cli("drift", "--ask-consumers", "--format", "json")
    assert "consumer-differs" not in {each["rule"] for each in answer.document["drift"]}, answer
    assert cli("plan").code == 0, "nothing is to be delivered"
