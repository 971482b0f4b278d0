"""Every service with a list: what it lists and the inventory lacks is an orphan, is imported, and is counted in reports."""

import json

import pytest

from tests.contract.test_described_services import FILES
from tests.fakes.command_line import CommandLine
from tests.fakes.provider_files import SANDBOX_FILE, provider_file
from tokenguard.providers.generic.loopback_service import LoopbackService
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.settings import admin_variable
from tokenguard.shell.configuration import load_settings
from tokenguard.shell.vendors import ConfiguredVendors

STRANGERS = 5
LISTED = [name for name, said in FILES.items() if said.rows is not None]
WITH_TOTAL = SANDBOX_FILE.replace("  paging: offset\n", "  paging: offset\n  total: /total\n")
"""What the hand-written provider reads as well: it saves the look beyond the end of the list."""


@pytest.fixture(params=LISTED)
def service(request, cli, tmp_path):
    with LoopbackService(described=FILES[request.param], value_prefix="tgcanary-") as running:
        config = tmp_path / "config.toml"
        config.write_text(f"[providers.{request.param}]\nbase_url = {json.dumps(running.url)}\n")
        config.chmod(0o600)
        cli.environ[admin_variable(request.param)] = given(running.admin)
        settings = load_settings(str(config), {})
        cli.vendors = ConfiguredVendors(settings, cli.environ, cli.clock, lambda: cli.store)
        yield running


def given(value):
    """A value as it is given to a command: alone, or its fields as JSON."""
    if value.names == ("token",):
        return value.token.reveal()
    return json.dumps({name: value.field(name).reveal() for name in value.names})


def covered(cli):
    (found,) = cli("report", "--ask-providers", "--format", "json").document["coverage"]
    return found["listed"], found["listed_without_record"]


def test_a_listed_token_without_a_record_is_an_orphan_until_it_is_imported(cli, service):
    said = service.described
    scope = ("--scope", f"{said.scope_kind}:{service.scope}")
    bring = ("import", "--from", f"provider:{said.name}", *scope, "--owner", "video")
    if said.create is None:
        service.issue("known")
    added = cli(*bring) if said.create is None else cli(
        "add", "video/app/prod/post", "--provider", said.name, *scope, "--env", "prod", "--owner", "video", "--purpose",
        "posting", "--permission", next(iter(said.permissions), "read"), "--no-consumers", "--issue",
    )  # fmt: skip
    assert added.code == 0, added
    for number in range(STRANGERS):
        service.issue(f"made-by-hand-{number}")
    found = cli("check", "--ask-providers", "--format", "json").document["violations"]
    assert sum(each["rule"] == "orphan" for each in found) == STRANGERS
    assert covered(cli) == (STRANGERS + 1, STRANGERS)
    imported = cli(*bring)
    assert imported.code == 0, imported
    assert f"{STRANGERS} added, 1 duplicate" in imported.out
    again = cli("check", "--ask-providers", "--format", "json").document["violations"]
    assert not any(each["rule"] == "orphan" for each in again)
    assert covered(cli) == (STRANGERS + 1, 0)


def test_an_admin_credential_of_several_fields_is_stored_and_used(cli, tmp_path):
    with LoopbackService(described=FILES["twilio"], value_prefix="tgcanary-") as running:
        config = tmp_path / "config.toml"
        config.write_text(f"[providers.twilio]\nbase_url = {json.dumps(running.url)}\n")
        config.chmod(0o600)
        cli.vendors = ConfiguredVendors(load_settings(str(config), {}), {}, cli.clock, lambda: cli.store)
        scope = (
            "--provider",
            "twilio",
            "--scope",
            "account:scope-1",
            "--env",
            "prod",
            "--owner",
            "video",
            "--no-consumers",
        )
        admin = ("add", "video/twilio/admin", *scope, "--purpose", "admin", "--kind", "provider_admin", "--stdin")
        for wrong in (
            "tgcanary-0123456789",
            '{"token": "tgcanary-0123456789"}',
            "[]",
            '{"token": "tgcanary-012", "key_id": 7}',
        ):
            cli.refused(*admin, stdin=wrong)
        assert cli(*admin, stdin=given(running.admin)).code == 0
        assert cli("add", "video/app/prod/sms", *scope, "--purpose", "texts", "--issue").code == 0
        assert len(running.tokens) == 1


OTHERWISE = [
    name for name, said in FILES.items()
    if said.create is not None and said.probe is not None and said.admin_auth != said.auth
]  # fmt: skip
"""Services that a credential for creating tokens is shown in another way than a token."""


@pytest.mark.parametrize("service", OTHERWISE, indirect=True)
def test_an_admin_credential_is_not_asked_about_as_if_it_were_a_token(cli, service):
    said = service.described
    scope = ("--provider", said.name, "--scope", f"{said.scope_kind}:{service.scope}", "--env", "prod", "--owner", "a")
    cli.environ["GIVEN"] = cli.environ.pop(admin_variable(said.name))
    use = ("--no-consumers", "--purpose", "posting")
    admin = cli("add", "a/admin", *scope, *use, "--kind", "provider_admin", "--from-env", "GIVEN", "--format", "json")
    assert admin.code == 0, admin
    [seen] = cli("verify", "a/admin", "--format", "json").document["tokens"]
    assert seen["result"] == "not-asked"
    assert cli("add", "a/token", *scope, *use, "--permission", "read", "--issue").code == 0
    assert cli("rotate", "a/token").code == 0
    assert len([each for each in service.tokens.values() if each.alive]) == 1


def test_list_reads_no_provider_file_and_a_command_about_one_reads_only_that(cli, monkeypatch, service):
    from tokenguard.providers.generic import loading

    read = []

    def load(path, before=loading.load):
        read.append(path.name)
        return before(path)

    monkeypatch.setattr(loading, "load", load)
    assert cli("list").code == 0
    assert read == []
    cli("add", "video/app/prod/post", "--provider", service.described.name, "--stdin", stdin="")
    assert set(read) <= {f"{service.described.name}.yaml"}


@pytest.mark.parametrize("mode", [(), ("--compromised", "--reason", "leaked")])
def test_a_described_provider_costs_the_requests_of_a_hand_written_one(monkeypatch, capfd, tmp_path, mode):
    counts = []
    for name in ("autoposting", "acme"):
        cli = CommandLine(monkeypatch, capfd)
        with Sandbox(clock=cli.clock) as sandbox:
            cli.environ[admin_variable(name)] = sandbox.info.admin_key
            file = provider_file(tmp_path, sandbox.info.autoposting_url, WITH_TOTAL)
            config = tmp_path / f"{name}.toml"
            described = f"file = {json.dumps(str(file))}\n" if name == "acme" else ""
            config.write_text(f"[providers.{name}]\n{described}base_url = {json.dumps(sandbox.info.autoposting_url)}\n")
            config.chmod(0o600)
            settings = load_settings(str(config), {})
            cli.vendors = ConfiguredVendors(settings, cli.environ, cli.clock, lambda cli=cli: cli.store)
            scope = ("--provider", name, "--scope", f"org:{sandbox.info.org_id}", "--env", "prod", "--owner", "video")
            for token in ("video/app/prod/one", "video/app/prod/two"):
                more = ("--purpose", token, "--permission", "posts:read", "--no-consumers", "--issue")
                assert cli("add", token, *scope, *more).code == 0
            assert cli("rotate", "video/app/prod/one", *mode).code == 0
            assert cli("retire", "video/app/prod/one", "--yes").code == 0
            counts.append(dict(sandbox.world.calls))
    assert counts[0] == counts[1]
    assert sum(counts[0].values()) > 10
