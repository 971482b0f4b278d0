"""`provider test --live`: one harmless token at the real service, here one on loopback; nothing of it is left behind."""

import json
import os
import signal
from dataclasses import replace

import pytest

from tests.contract.test_described_services import FILES
from tests.fakes.command_line import FakeTty
from tokenguard.frozen import replace as structs_replace
from tokenguard.providers.generic.loopback_service import LoopbackService
from tokenguard.settings import admin_variable
from tokenguard.shell.configuration import load_settings
from tokenguard.shell.vendors import ConfiguredVendors


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


CREATED, PROBED = 2, 4
"""Which request creates the token, and which one tries its value."""


def interrupt():
    raise KeyboardInterrupt


def after_request(monkeypatch, then):
    """Do something once the answers of these requests are there, by number."""
    from tokenguard.http.client import Client

    sent = []

    def send(client, request, before=Client.send):
        outcome = before(client, request)
        sent.append(request)
        then.get(len(sent), lambda: None)()
        return outcome

    monkeypatch.setattr(Client, "send", send)


def in_doubt(service, tmp_path, answer):
    """Whether message and report name the token, and nothing calls it revoked."""
    (label,) = {each.label for each in service.tokens.values()}
    said, state = f"a token may be alive: revoke {label} at {service.url}", report(tmp_path)["state"]
    return said in answer.err and state == said and "was revoked" not in answer.err


def lying(service, monkeypatch, lie):
    """A provider that answers a revocation with 200 and hides the row or does nothing, or refuses it."""
    service.ignores_revoke = True
    revoked, listed = service._revoked, service._listed

    def empty(rows, asked):
        with monkeypatch.context() as hidden:
            hidden.setattr(service, "tokens", {})
            return listed(rows, asked)

    def revoke(asked):
        answer = revoked(asked)
        if answer is not None and lie == "hidden":
            monkeypatch.setattr(service, "_listed", empty)
        return answer and (replace(answer, status=403) if lie == "refused" else answer)

    monkeypatch.setattr(service, "_revoked", revoke)


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


UPDATE = "its label is changed, and its value stays"


def steps(tmp_path):
    return {each["step"]: each["result"] for each in report(tmp_path)["steps"]}


@pytest.mark.parametrize("service", ["openrouter", "pinecone", "sendgrid"], indirect=True)
def test_a_described_update_is_tried_too(live, service, tmp_path):
    answer = live("--yes")
    (made,) = service.tokens.values()
    assert (answer.code, made.alive, steps(tmp_path)[UPDATE]) == (0, False, "ok"), answer


@pytest.mark.parametrize("service", ["openrouter"], indirect=True)
@pytest.mark.parametrize("lie", ["ignored", "refused", "new value"])
def test_an_update_that_does_not_do_what_the_file_says_fails_and_leaves_no_token(
    live, service, tmp_path, monkeypatch, lie
):
    service.ignores_update, updated = lie == "ignored", service._updated

    def update(asked):
        answer = updated(asked)
        if answer is not None and lie == "new value":
            (made,) = service.tokens.values()
            made.alive = False
        return answer and (replace(answer, status=403) if lie == "refused" else answer)

    monkeypatch.setattr(service, "_updated", update)
    answer = live("--yes")
    (made,) = service.tokens.values()
    assert (answer.code, made.alive, steps(tmp_path)[UPDATE]) == (1, False, "failed"), answer
    assert UPDATE in answer.err


@pytest.mark.parametrize("service", ["openrouter"], indirect=True)
def test_both_labels_are_named_while_a_token_may_be_alive(live, service, tmp_path, monkeypatch):
    lying(service, monkeypatch, "nothing")
    answer = live("--yes")
    (made,) = service.tokens.values()
    assert (answer.code, made.alive) == (5, True)
    assert f" or {made.label} at" in report(tmp_path)["state"]
    assert f" or {made.label} at" in answer.err


@pytest.mark.parametrize("service", ["pinecone"], indirect=True)
def test_an_update_that_sends_permissions_is_not_tried_without_any(live, service, cli, tmp_path, monkeypatch):
    sent, listed = [], service._listed

    def without_permissions(rows, asked):
        for each in service.tokens.values():
            each.permissions = ()
        return listed(rows, asked)

    monkeypatch.setattr(service, "_listed", without_permissions)
    monkeypatch.setattr(service, "_updated", lambda asked: sent.append(asked) if asked.method == "PATCH" else None)
    scope = f"{service.described.scope_kind}:{service.scope}"
    answer = cli("provider", "test", "pinecone", "--live", "--report", "report.json", "--scope", scope, "--yes")
    assert (answer.code, steps(tmp_path)[UPDATE], sent) == (0, "not tried", []), answer


@pytest.mark.parametrize(
    ("service", "why"),
    [("gitlab", "lists tokens by scope"), ("turso", ""), ("openai", "")],
    indirect=["service"],
)
def test_a_trial_that_needs_a_scope_is_refused_before_a_token_exists(live, service, cli, why):
    """A token was created, and the trial then failed because no scope was given."""
    name = service.described.name
    can = cli.vendors.provider(name).capabilities
    answer = cli("provider", "test", name, "--live", "--yes", "--permission", "read")
    needed = can.lists_per_scope or can.creates_per_scope or can.verifies_scope
    assert needed or not why
    if needed:
        assert (answer.code, "--scope" in answer.hint, why in answer.error) == (2, True, True)
        assert service.asked == []
    else:
        assert answer.code == 0, answer


@pytest.mark.parametrize("service", ["turso"], indirect=True)
@pytest.mark.parametrize("power", ["creates_per_scope", "verifies_scope"])
def test_a_scope_that_is_compared_or_sent_is_needed(live, service, cli, monkeypatch, power):
    provider = cli.vendors.provider("turso")
    can = structs_replace(provider.capabilities, lists_per_scope=False, creates_per_scope=False, verifies_scope=False)
    monkeypatch.setattr(type(provider), "capabilities", property(lambda _: structs_replace(can, **{power: True})))
    answer = cli("provider", "test", "turso", "--live", "--yes")
    assert (answer.code, service.asked) == (2, [])


def test_a_live_trial_of_a_file_says_how_to_configure_it(live, service, cli, tmp_path):
    file = tmp_path / "full.yaml"
    file.write_text(cli("provider", "new", "acme").out)
    answer = cli("provider", "test", "--live", str(file), "--yes")
    assert (answer.code, "[providers.acme] file" in answer.hint, service.asked) == (2, True, [])


def test_a_refused_admin_credential_is_told_without_a_stand_in(live, service, cli):
    cli.environ[admin_variable(service.described.name)] = "tgcanary-not-the-admin"
    answer = live("--yes")
    assert "admin credential is not accepted" in answer.hint
    assert "providers.X" not in answer.err


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
    assert {each["label"] for each in seen} == {label}
    listed, *later = [each["state"] for each in seen]
    assert listed == "started"
    assert set(later) == {f"a token may be alive: revoke {label} at {service.url}"}
    before = len(service.asked)
    assert live("--yes").code == 2
    assert len(service.asked) == before


@pytest.mark.parametrize("request_number", range(1, 9))
def test_ctrl_c_at_any_request_leaves_no_token(live, service, tmp_path, monkeypatch, request_number):
    after_request(monkeypatch, {request_number: interrupt})
    answer = live("--yes")
    assert answer.code == 130, answer
    assert not any(each.alive for each in service.tokens.values())
    unknown = [each.label for each in service.tokens.values()] if request_number == CREATED else []
    said = f"a token may be alive: revoke {unknown[0]} at " if unknown else "revoked"
    said = "nothing was created" if request_number < CREATED else said
    assert said in answer.hint
    assert said in report(tmp_path)["state"]


@pytest.mark.parametrize("lie", ["hidden", "ignored", "refused"])
@pytest.mark.parametrize("request_number", range(CREATED, 9))
def test_only_a_refused_value_counts_as_revoked(live, service, tmp_path, monkeypatch, lie, request_number):
    lying(service, monkeypatch, lie)
    after_request(monkeypatch, {request_number: interrupt})
    answer = live("--yes")
    assert answer.code in {130, 5}, answer
    assert in_doubt(service, tmp_path, answer), (answer, report(tmp_path))


@pytest.mark.parametrize("lie", ["hidden", "ignored", "refused"])
def test_no_revocation_is_taken_on_the_provider_s_word(live, service, tmp_path, monkeypatch, lie):
    lying(service, monkeypatch, lie)
    answer = live("--yes")
    assert (answer.code, in_doubt(service, tmp_path, answer)) == (5, True), answer


def test_a_token_whose_reply_was_lost_is_revoked_but_not_called_so(live, service, tmp_path):
    service.cuts = 1
    answer = live("--yes")
    assert [each.alive for each in service.tokens.values()] == [False]
    step = {"step": "the list has no such token after the revocation", "result": "ok", "reason": ""}
    assert report(tmp_path)["steps"][-1] == step
    assert (answer.code, in_doubt(service, tmp_path, answer)) == (5, True), answer


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 409, 422, 429, 499, 500, 503])
def test_a_refusal_is_believed_only_if_the_list_has_no_such_token(live, service, tmp_path, monkeypatch, status):
    created = service._created

    def refuse(asked):
        answer = created(asked)
        return answer and replace(answer, status=status, tree={"error": "refused"})

    monkeypatch.setattr(service, "_created", refuse)
    answer = live("--yes")
    assert {each.alive for each in service.tokens.values()} == {False}
    assert (answer.code, in_doubt(service, tmp_path, answer)) == (5, True), answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("request_number", [CREATED, PROBED, 6])
def test_a_signal_revokes_the_token(live, service, tmp_path, monkeypatch, number, request_number):
    before = signal.signal(number, lambda *_: None)
    again = request_number + 1
    after_request(monkeypatch, {each: lambda: os.kill(os.getpid(), number) for each in (request_number, again)})
    try:
        answer = live("--yes")
    finally:
        signal.signal(number, before)
    assert answer.code == 130, answer
    assert [each.alive for each in service.tokens.values()] == [False]
    if request_number == CREATED:
        assert in_doubt(service, tmp_path, answer), answer
    else:
        assert report(tmp_path)["state"] == "interrupted; the token was revoked"


def test_a_second_ctrl_c_leaves_message_and_report_with_the_label(live, service, tmp_path, monkeypatch):
    service.ignores_revoke = True
    after_request(monkeypatch, {PROBED: interrupt, PROBED + 1: interrupt})
    answer = live("--yes")
    assert (answer.code, in_doubt(service, tmp_path, answer)) == (130, True), answer


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


@pytest.mark.parametrize("request_number", [CREATED, 3, 5, 6])
def test_a_second_token_with_the_label_is_revoked_and_never_passes(
    live, service, tmp_path, monkeypatch, request_number
):
    def twin():
        service.issue(next(iter(service.tokens.values())).label)

    after_request(monkeypatch, {request_number: twin})
    answer = live("--yes")
    assert {each.alive for each in service.tokens.values()} == {False}
    assert (answer.code, in_doubt(service, tmp_path, answer)) == (5, True), answer


def test_a_creation_that_is_refused_and_not_listed_creates_nothing(live, service, tmp_path, monkeypatch):
    created = service._created

    def refuse(asked):
        answer = created(asked)
        service.tokens.clear()
        return answer and replace(answer, status=403, tree={"error": "refused"})

    monkeypatch.setattr(service, "_created", refuse)
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
