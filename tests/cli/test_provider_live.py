"""`provider test --live`: one harmless token at the real service, here one on loopback; nothing of it is left behind."""

import json

import pytest

from tests.contract.test_described_services import FILES
from tests.fakes.command_line import FakeTty
from tokenguard.providers.generic.loopback_service import LoopbackService
from tokenguard.shell.configuration import load_settings
from tokenguard.shell.vendors import ConfiguredVendors, admin_variable


@pytest.fixture
def service(request):
    with LoopbackService(described=FILES[getattr(request, "param", "openai")], value_prefix="tgcanary-") as running:
        yield running


@pytest.fixture
def live(cli, service, tmp_path):
    name = service.described.name
    config = tmp_path / "config.toml"
    config.write_text(f"[providers.{name}]\nbase_url = {json.dumps(service.url)}\n")
    config.chmod(0o600)
    cli.environ[admin_variable(name)] = service.admin.token.reveal()
    cli.vendors = ConfiguredVendors(load_settings(str(config), {}), cli.environ, cli.clock, lambda: cli.store)
    cli.everything = lambda: list(service.tokens)

    def call(*arguments):
        scope = ("--scope", f"{service.described.scope_kind}:{service.scope}")
        return cli(
            "provider", "test", name, "--live", "--report", "report.json", "--permission", "read", *scope, *arguments
        )

    return call


def report(tmp_path):
    return json.loads((tmp_path / "report.json").read_text())


@pytest.mark.parametrize("service", ["openai", "gitlab", "turso", "gotify"], indirect=True)
def test_one_token_is_created_checked_and_revoked_and_the_report_holds_no_value(live, service, tmp_path):
    answer = live("--yes")
    assert answer.code == 0, answer
    assert [each.alive for each in service.tokens.values()] == [False]
    found = report(tmp_path)
    assert (found["state"], found["date"], found["provider"]) == ("passed", "2026-11-01", service.described.name)
    assert "tried_live: 2026-11-01" in answer.out
    text = answer.out + answer.err + json.dumps(found)
    held = [*(each.value for each in service.tokens.values()), service.admin]
    assert not any(each.field(name).reveal() in text for each in held for name in each.names)


def test_it_asks_first_and_a_no_creates_nothing(live, service, cli, tmp_path):
    answer = live()
    assert (answer.code, "--yes" in answer.hint) == (3, True)
    cli.tty = FakeTty("no")
    assert live().code == 3
    assert (service.asked, (tmp_path / "report.json").exists()) == ([], False)
    cli.tty = FakeTty("yes")
    assert live().code == 0


def test_the_report_names_the_token_before_it_can_exist_and_is_never_overwritten(live, service, tmp_path, monkeypatch):
    seen = []

    def receive(http, before=service.receive):
        seen.append(report(tmp_path))
        before(http)

    monkeypatch.setattr(service, "receive", receive)
    assert live("--yes").code == 0
    label = next(iter(service.tokens.values())).label
    assert {(each["label"], each["state"]) for each in seen} == {(label, "started")}
    before = len(service.asked)
    assert live("--yes").code == 2
    assert len(service.asked) == before


@pytest.mark.parametrize("request_number", range(1, 9))
def test_ctrl_c_at_any_request_leaves_no_token(live, service, tmp_path, monkeypatch, request_number):
    from tokenguard.http.client import Client

    sent = []

    def send(client, request, before=Client.send):
        outcome = before(client, request)
        sent.append(request)
        if len(sent) == request_number:
            raise KeyboardInterrupt
        return outcome

    monkeypatch.setattr(Client, "send", send)
    answer = live("--yes")
    assert answer.code == 130, answer
    assert not any(each.alive for each in service.tokens.values())
    assert "revoked" in answer.hint or "nothing was created" in answer.hint
    assert "revoked" in report(tmp_path)["state"] or report(tmp_path)["state"] == "nothing was created"


def test_a_token_whose_reply_was_lost_is_found_and_revoked(live, service, tmp_path):
    service.cuts = 1
    answer = live("--yes")
    assert answer.code == 4, answer
    assert [each.alive for each in service.tokens.values()] == [False]
    assert report(tmp_path)["state"] == "interrupted; the token was revoked"


def test_a_revocation_without_effect_ends_with_the_label_of_what_may_be_alive(live, service, tmp_path):
    service.ignores_revoke = True
    answer = live("--yes")
    assert answer.code == 5, answer
    (token,) = service.tokens.values()
    assert (token.alive, token.label in answer.error, token.label in report(tmp_path)["state"]) == (True, True, True)


def test_a_refused_creation_creates_nothing(live, service, tmp_path):
    service.refuses_all = True
    answer = live("--yes")
    assert (answer.code, service.tokens, report(tmp_path)["state"]) == (4, {}, "nothing was created")


def test_a_late_revocation_is_waited_for(live, service):
    service.revoke_lag = 1
    assert live("--yes").code == 0


def test_what_cannot_be_tried_is_refused(live, cli, service):
    cli.refused("provider", "test", "openai", "gitlab", "--live")
    cli.refused("provider", "test", "--all", "--live")
    cli.refused("provider", "test", "openai", "--scope", "org:acme")
    cli.refused("provider", "test", "slack", "--live", "--yes")
    cli.refused("provider", "test", "openai", "--live", "--yes", "--scope", "nonsense")
    cli.environ.clear()
    cli.refused("provider", "test", "openai", "--live", "--yes", "--report", "another.json")
