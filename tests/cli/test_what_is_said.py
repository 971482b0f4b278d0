"""What a command says is what the next command finds: outcomes, hints, and files that are there already."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.manifests import written
from tests.fakes.command_line import FakeTty
from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace
from tokenguard.shell.local_backend import LocalBackend

NAME = "video/app/prod/upload"
OTHER = "video/app/prod/other"
FIELDS = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")


def snapshot(cli, name=NAME):
    return cli.store.find(token_name(name))


def changed(cli, name=NAME, **record):
    """The same token with other facts on record, as an earlier command could have left them."""
    found = snapshot(cli, name)
    document = replace(found.document, record=replace(found.document.record, **record))
    return cli.store.commit(found.id, found.version, document, [])


def refused(cli, name=NAME, **more):
    """A live token that its provider refused at the last check."""
    look = Observation(verdict=Verdict.DEAD, at=cli.clock.now(), reason="http-401")
    return changed(cli, name, seen=look, **more)


@pytest.fixture
def stopped(cli):
    """A leaked token whose revocation was begun and has no effect."""
    value = cli.add(NAME)
    assert cli("respond", "--stdin", "--reach", "pushed", "--no-input", stdin=value).code == 1
    cli.world.revoke_lag = 10**9
    assert cli("rotate", NAME, "--compromised").code == 5
    return cli


@pytest.mark.parametrize(("declared", "matches"), [("a/b: {}", False), ("a/b: {issue: true}", True)])
def test_apply_claims_a_match_only_if_nothing_is_left_to_do(cli, tmp_path, declared, matches):
    written(tmp_path, declared)
    answer = cli("apply")
    assert answer.code == 0, answer
    assert ("the store matches the manifest" in answer.out) == matches
    if matches:
        assert cli("drift").code == 0
    else:
        assert "a/b" in answer.out.splitlines()[-1]
        cli.clock.sleep(timedelta(days=90).total_seconds())
        assert cli("drift").code == 1


def test_apply_names_the_tokens_that_the_manifest_does_not_declare(cli, tmp_path):
    cli.add(OTHER)
    written(tmp_path, "a/b: {issue: true}")
    answer = cli("apply")
    assert "the store matches" not in answer.out
    assert OTHER in answer.out.splitlines()[-1]


def test_check_does_not_say_never_of_a_scope_that_was_verified_before_the_last_check(cli):
    cli.add(NAME)
    assert snapshot(cli).document.record.seen.scope_verdict is ScopeVerdict.RIGHT
    for made in cli.world.made.values():
        cli.world.revoke(made.id)
    refused(cli)
    out = cli("check", "--policy", "strict", "--format", "json").out
    assert "was never verified" not in out
    changed(cli, seen=None)
    assert "was never verified" in cli("check", "--policy", "strict", "--format", "json").out


def test_doctor_and_the_due_list_name_a_refused_live_token_first(cli):
    cli.add(OTHER, "--due", "2026-01-01")
    cli.add(NAME)
    refused(cli)
    about = [each for each in cli("doctor", "--format", "json").document["checks"] if NAME in each["text"]]
    assert (about[0]["check"], about[0]["level"]) == ("live value", "fail")
    listed = cli("list", "--within", "0", "--format", "json").document["tokens"]
    assert [each["name"] for each in listed] == [NAME, OTHER]


def test_a_retired_token_is_not_a_refused_live_value(cli):
    cli.add(NAME)
    cli.add(OTHER)
    assert cli("retire", NAME, "--yes").code == 0
    assert "live value" not in {each["check"] for each in cli("doctor", "--format", "json").document["checks"]}


def test_the_runbook_does_not_promise_another_mode_for_a_file_that_keeps_its_own(cli, tmp_path):
    env = tmp_path / "app.env"
    env.write_text("A=1\n")
    env.chmod(0o640)
    cli.add(NAME)
    assert cli("edit", NAME, "--deliver", f"dotenv:{env}#TOKEN").code == 0
    assert "keeps its mode" in cli("runbook", NAME).out
    assert cli("rotate", NAME).code == 0
    assert env.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(("since", "code"), [("2020-01-01", 2), (None, 1)])
def test_respond_refuses_a_day_before_the_value_was_created(cli, since, code):
    value = cli.add(NAME)
    before = snapshot(cli).version
    answer = cli(
        "respond", "--stdin", "--reach", "pushed", *(["--since", since] if since else []), "--no-input", stdin=value
    )
    assert answer.code == code, answer
    assert (snapshot(cli).document.record.has_leaked, snapshot(cli).version == before) == (code == 1, code == 2)


def test_respond_takes_any_day_for_a_value_of_unknown_age(cli):
    value = cli.add(NAME)
    assert cli("edit", NAME, "--created", "").code == 0
    answer = cli("respond", "--stdin", "--reach", "pushed", "--since", "2020-01-01", "--no-input", stdin=value)
    assert answer.code == 1, answer


def test_the_hints_for_a_leak_with_an_open_operation_complete_it(stopped):
    checks = stopped("doctor", "--format", "json").document["checks"]
    found = [each["hint"] for each in checks if each["check"] == "leak"]
    violations = json.loads(stopped("check", "--format", "json").out)["violations"]
    found += [each["fix"] for each in violations if each["rule"] == "leaked"]
    assert found
    for hint in found:
        assert hint == f"tokenguard rotate {NAME} --resume"
    first = stopped("runbook", NAME).out.partition("## Read this first")[2].partition("\n## ")[0]
    assert "--resume" in first
    assert "--compromised" not in first


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_plan_of_a_token_with_an_open_operation_is_to_complete_it(stopped, form):
    answer = stopped("rotate", NAME, "--plan", "--format", form)
    assert answer.code == 0, answer
    assert f"tokenguard rotate {NAME} --resume" in answer.out
    assert "label for the new token" not in answer.out


def test_the_plan_of_a_token_without_a_value_revokes_nothing(cli, tmp_path):
    written(tmp_path, "a/b: {}")
    assert cli("apply").code == 0
    (plan,) = cli("rotate", "a/b", "--plan", "--format", "json").document["plan"]
    assert plan["steps"]
    assert not any("old token" in each["text"] or "revoke" in each["text"] for each in plan["steps"])


def leak(cli, name=NAME):
    value = cli.add(name)
    assert cli("respond", "--stdin", "--reach", "public", "--no-input", stdin=value).code == 1


def test_a_due_plan_says_which_leaked_tokens_are_revoked_first(cli):
    leak(cli)
    cli.add(OTHER, "--due", "2026-01-01")
    answer = cli("rotate", "--due", "--plan", "--no-input")
    assert any(NAME in line and "revoked first" in line for line in answer.out.splitlines()), answer
    assert not any(OTHER in line and "revoked first" in line for line in answer.out.splitlines())


def test_a_planned_rotation_of_a_leaked_token_says_its_order(cli):
    leak(cli)
    cli.tty = FakeTty()
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    assert f"tokenguard rotate {NAME} --compromised" in answer.err


def test_a_batch_names_the_tokens_of_unknown_age(cli):
    names = [f"video/app/prod/t{number}" for number in range(7)]
    for name in names:
        cli.add(name)
        assert cli("edit", name, "--created", "").code == 0
    cli.tty = FakeTty("no")
    assert cli("rotate", "--due").code == 0
    (asked,) = (each for each in cli.tty.shown if "unknown age" in each)
    assert sum(name in asked for name in names) == 5
    assert "2 more" in asked


def test_an_import_says_what_is_not_known_of_its_tokens(cli, tmp_path):
    (tmp_path / "tokens.csv").write_text(
        f"name,value,provider,scope,env,owner,purpose\n{NAME},{cli.world.create(NAME).value},fake,drive:d1,prod,video,x\n"
    )
    answer = cli("import", "tokens.csv")
    assert answer.code == 0, answer
    told = [line for line in answer.err.splitlines() if NAME in line]
    assert any("--created" in line for line in told), answer
    assert any("--deliver" in line for line in told), answer


def test_a_creation_date_of_another_form_is_refused_before_the_file_is_read(cli):
    cli.refused("import", "absent.csv", "--created", "yesterday")
    assert "YYYY-MM-DD" in cli("import", "absent.csv", "--created", "yesterday").err


def test_a_runner_of_this_machine_that_is_gone_holds_nothing(stopped):
    found = snapshot(stopped)
    held = "held by"
    assert held in stopped("show", NAME).out
    gone = f"{os.uname().nodename}/{2**22 + 1}/nonce"
    document = replace(found.document, journal=replace(found.document.journal, holder=gone))
    stopped.store.commit(found.id, found.version, document, [])
    assert held not in stopped("show", NAME).out


def test_retire_names_each_consumer_that_still_holds_the_dead_value(cli, tmp_path):
    env = tmp_path / "app.env"
    cli.add(NAME)
    cli.add(OTHER)
    assert cli("edit", NAME, "--deliver", f"dotenv:{env}#TOKEN", "--deliver", "person:Ada").code == 0
    answer = cli("retire", NAME, "--yes")
    assert answer.code == 0, answer
    assert f"remove the line TOKEN from {env}" in answer.err
    assert "person:Ada" in answer.err


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--output"),
        ("runbook", NAME, "--output"),
        ("respond", "--stdin", "--reach", "pushed", "--no-input", "--output"),
    ],
    ids=lambda words: words[0],
)
def test_a_document_does_not_replace_a_file_of_another_kind(cli, tmp_path, command):
    value, page = cli.add(NAME), tmp_path / "page.md"
    page.write_text("# Notes\n\nof a person\n")
    before = snapshot(cli).version
    answer = cli(*command, "page.md", stdin=value)
    assert answer.code == 2, answer
    assert "--force" in answer.err
    assert page.read_text() == "# Notes\n\nof a person\n"
    assert snapshot(cli).version == before, "it is refused before the work"
    assert cli(*command, "page.md", "--force", stdin=value).code in {0, 1}
    mine = page.read_text()
    assert mine != "# Notes\n\nof a person\n"
    cli.clock.sleep(timedelta(days=1).total_seconds())
    assert cli(*command, "page.md", stdin=value).code in {0, 1}, "its own earlier document is replaced"
    assert page.read_text() != ""


@pytest.mark.parametrize("form", ["json", "csv", "html"])
def test_a_report_of_another_format_is_another_kind(cli, tmp_path, form):
    cli.add(NAME)
    assert cli("report", "--output", "page").code == 0
    assert cli("report", "--format", form, "--output", "page").code == 2
    assert cli("report", "--format", form, "--output", "own").code == 0
    assert cli("report", "--format", form, "--output", "own").code == 0
    assert Path("page").read_text().startswith("# Token report")


def test_hints_in_a_pipe_are_whole(cli):
    cli.add(NAME)
    long = "x" * 300
    leak(cli, OTHER)
    changed(cli, OTHER, notes=long)
    assert "…" not in cli("doctor").out


@pytest.mark.parametrize(("provider", "promised"), [("manual", False), ("fake", True)])
def test_an_asserted_death_is_rechecked_only_where_the_provider_can_be_asked(cli, provider, promised):
    from tokenguard.cli.show import _recheck_words

    cli.add(NAME)
    record = replace(snapshot(cli).document.record, provider=provider)
    assert ("rechecked" in _recheck_words(cli.wiring(), record)) == promised


def store_failures():
    return [*(VaultError.because(each) for each in VaultFailure), *(AwsError(each) for each in AwsFailure)]


def test_no_hint_about_a_store_is_about_an_operation_unless_one_is_open(cli, monkeypatch):
    """Only who knows which operation is open adds the command that resumes it, once."""
    for error in store_failures():
        assert "resume" not in error.hint, error.reason
    cli.add(NAME)
    for number, error in enumerate((AwsError(AwsFailure.EXPIRED), VaultError.because(VaultFailure.EXPIRED))):

        def fail(*_given, error=error, **_more):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(LocalBackend, "create", fail)
            assert "resume" not in cli("init").hint
        with monkeypatch.context() as patch:
            patch.setattr(cli.store, "put_candidate", fail)
            command = ("rotate", NAME, "--resume") if number else ("rotate", NAME)
            answer = cli(*command)
        assert answer.code == 4, answer
        assert answer.hint.count(f"tokenguard rotate {NAME} --resume") == 1, answer


def test_a_consumer_without_the_live_value_has_a_hint_that_is_a_command(cli, tmp_path):
    env = tmp_path / "app.env"
    env.write_text("TOKEN=other\n")
    cli.add(NAME)
    assert cli("edit", NAME, "--deliver", f"dotenv:{env}#TOKEN").code == 0
    out = cli("upkeep", "--format", "json").out
    assert f'"tokenguard deliver {NAME}"' in out


def test_upkeep_names_a_missing_manifest_as_it_was_given(cli):
    answer = cli("upkeep", "/absent/tokens.yaml")
    assert "/absent/tokens.yaml" in answer.out + answer.err


def test_a_value_that_was_never_accepted_is_not_called_revoked(cli):
    """An imported value that the provider refused from the beginning may be of a kind that it always refuses."""
    cli.add(OTHER)
    made = cli.world.create("x")
    value = made.value
    cli.world.revoke(made.id)
    assert cli("add", NAME, *FIELDS, "--no-consumers", "--no-verify", "--stdin", stdin=value).code == 0
    answer = cli("rotate", NAME)
    assert answer.code == 3, answer
    assert "never accepted" in answer.err
    assert "already" not in answer.err
    assert "consumers are down" not in answer.err
