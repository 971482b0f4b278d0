"""`respond` on tokens that only a person creates: their provider is shown the leaked value, and its answer proves nothing."""

import json
import secrets

import pytest

from tests.contract.test_described_services import FILES, OAUTH
from tests.fakes.command_line import FakeTty
from tests.fakes.provider_files import OAUTH_FILES, provider_file
from tokenguard.domain.event import Op
from tokenguard.domain.names import token_name
from tokenguard.providers.generic.loopback_service import LoopbackService
from tokenguard.shell.configuration import load_settings
from tokenguard.shell.vendors import ConfiguredVendors

NAME = "video/app/prod/clone"
RESPOND = ("respond", "--stdin", "--reach", "public", "--where", "https://paste.test/1")


def configured(cli, tmp_path, running, more=""):
    config = tmp_path / "config.toml"
    config.write_text(f"[providers.{running.described.name}]\nbase_url = {json.dumps(running.url)}\n{more}")
    config.chmod(0o600)
    cli.vendors = ConfiguredVendors(load_settings(str(config), {}), cli.environ, cli.clock, lambda: cli.store)


def added(cli, running, name, label):
    """A token that a person created and gave to the inventory, which is declared to have no consumers."""
    issued = running.issue(label)
    scope = ("--scope", f"{running.described.scope_kind or 'account'}:scope-1", "--env", "prod", "--owner", "video")
    given = ("--provider", running.described.name, *scope, "--purpose", label, "--no-consumers", "--stdin")
    assert cli("add", name, *given, stdin=issued.value.token.reveal()).code == 0
    return issued


@pytest.fixture
def github(cli, tmp_path):
    with LoopbackService(described=FILES["github"], value_prefix="tgcanary-") as running:
        configured(cli, tmp_path, running)
        yield running


def shown_values(running):
    return [each.body["credentials"] for each in running.asked if each.path == "/credentials/revoke"]


def test_a_leaked_value_is_shown_to_the_provider_and_proven_dead_beside_a_control(cli, github):
    leaked, kept = added(cli, github, NAME, "clone"), added(cli, github, "video/app/prod/other", "other")
    value = leaked.value.token.reveal()
    answer = cli(*RESPOND, "--rotate", "--no-input", stdin=value)
    assert answer.code == 3, answer  # the leaked value is dead; a person has to create its successor
    assert (leaked.alive, kept.alive) == (False, True)
    assert shown_values(github) == [[value]]
    (sent,) = (each for each in github.asked if each.path == "/credentials/revoke")
    assert not {"authorization", "cookie"} & {name.lower() for name in sent.headers}
    trail = [entry.event for entry in cli.store.history(cli.store.find(token_name(NAME)).id)]
    assert [each.detail["samples"] for each in trail if each.op is Op.DEATH] == [3]
    assert value not in answer.out + answer.err + repr(trail)
    assert cli("show", NAME, "--format", "json").document["leaked"] is None


def test_a_provider_that_accepts_the_report_and_does_nothing_proves_nothing(cli, github):
    leaked = added(cli, github, NAME, "clone")
    added(cli, github, "video/app/prod/other", "other")
    github.ignores_revoke = True
    answer = cli(*RESPOND, "--rotate", "--no-input", stdin=leaked.value.token.reveal())
    assert answer.code == 5, answer
    github.ignores_revoke = False
    again = cli("rotate", NAME, "--resume", "--no-input")
    assert again.code == 3, again
    assert len(shown_values(github)) == 2


def test_a_report_whose_answer_is_lost_is_sent_again(cli, github):
    leaked = added(cli, github, NAME, "clone")
    added(cli, github, "video/app/prod/other", "other")
    github.cuts = 1
    assert cli("rotate", NAME, "--compromised", "--no-input", "--reason", "leaked").code == 5
    assert not leaked.alive
    assert cli("rotate", NAME, "--resume", "--no-input").code == 3
    assert len(shown_values(github)) == 2


@pytest.mark.parametrize(("said", "code"), [("no", 1), ("y", 1), ("yes", 0)])
def test_a_person_is_told_what_the_provider_does_and_asked(cli, github, said, code):
    leaked = added(cli, github, NAME, "clone")
    added(cli, github, "video/app/prod/other", "other")
    fresh = github.issue("fresh")
    cli.tty = FakeTty(leaked.value.token.reveal(), "public", "https://paste.test/1", said, fresh.value.token.reveal())
    answer = cli("respond")
    assert answer.code == code, (answer, cli.tty.shown)
    assert any("revokes it for good" in text for text in cli.tty.shown)
    assert len(shown_values(github)) == (code == 0)


def test_a_refused_report_is_work_for_a_person(cli, github):
    leaked = added(cli, github, NAME, "clone")
    added(cli, github, "video/app/prod/other", "other")
    answer = cli("rotate", NAME, "--plan", "--compromised")
    assert "sends the old token to the provider" in answer.out
    github.refuses_all = True
    answer = cli("rotate", NAME, "--compromised", "--no-input", "--reason", "leaked")
    assert answer.code == 5, answer
    assert "a person must revoke it" in answer.err
    assert leaked.alive


def test_a_planned_rotation_never_shows_the_value(cli, github):
    added(cli, github, NAME, "clone")
    assert "by hand" in cli("rotate", NAME, "--plan").out
    assert cli("retire", NAME, "--yes", "--no-input").code == 3
    cli.tty = FakeTty()  # Ctrl-C at the first question: a person has to revoke it
    assert cli("retire", NAME, "--yes").code == 130
    assert any("revoke" in text for text in cli.tty.shown)
    assert shown_values(github) == []


def test_a_leaked_token_without_a_record_is_recorded_and_retired_without_a_person(cli, github):
    added(cli, github, "video/app/prod/other", "other")
    value = f"ghp_{secrets.token_hex(18)}"
    told = cli(*RESPOND, "--format", "json", stdin=value)
    assert (told.code, told.document["unknown_revocable_at"]) == (1, ["github"])
    assert value not in told.out + told.err
    assert "retire" in cli(*RESPOND, stdin=value).out
    assert "github" not in cli(*RESPOND, stdin="tgcanary-of-no-vendor").out
    leaked = added(cli, github, NAME, "found")
    assert cli(*RESPOND, stdin=leaked.value.token.reveal()).code == 1
    assert "sends the old token to the provider" in cli("rotate", NAME, "--compromised", "--plan").out
    assert cli("retire", NAME, "--yes", "--no-input").code == 0
    assert not leaked.alive
    assert shown_values(github) == [[leaked.value.token.reveal()]]


def test_a_report_that_is_refused_when_it_is_sent_again_is_work_for_a_person(cli, github):
    added(cli, github, NAME, "clone")
    added(cli, github, "video/app/prod/other", "other")
    github.ignores_revoke = True
    assert cli("rotate", NAME, "--compromised", "--no-input", "--reason", "leaked").code == 5
    cli.tty = FakeTty("")  # who is interrupted at the new value
    assert cli("rotate", NAME, "--resume").code in {5, 130}
    assert cli.store.find(token_name(NAME)).document.journal.attempts
    cli.tty = None
    github.refuses_reports = True
    answer = cli("rotate", NAME, "--resume", "--no-input")
    assert answer.code == 5, answer
    assert "a person must revoke it" in answer.err


@pytest.mark.parametrize("login", ["admin", "body", "token"])
def test_a_token_is_retired_by_token_revocation_as_rfc_7009_has_it(cli, tmp_path, login):
    described = OAUTH[f"oauth-{login}"]
    with LoopbackService(described=described, value_prefix="tgcanary-") as running:
        path = provider_file(tmp_path, running.url, OAUTH_FILES[login]).rename(tmp_path / "oauth.yaml")
        if login != "token":
            fields = {name: running.admin.field(name).reveal() for name in running.admin.names}
            cli.environ["TOKENGUARD_ADMIN_OAUTH"] = json.dumps(fields)
        configured(cli, tmp_path, running, f"file = {json.dumps(str(path))}\n")
        token = added(cli, running, NAME, "clone")
        added(cli, running, "video/app/prod/other", "other")
        assert cli("retire", NAME, "--yes", "--no-input").code == 0
        assert not token.alive
