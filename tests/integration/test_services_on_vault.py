"""Described services from the first token to the last, on a store of a real OpenBao: what the commands say is so there."""

import itertools
import json

import pytest

from tests.contract.test_described_services import FILES
from tests.fakes.vault_command_line import VaultCommandLine
from tokenguard.providers.generic.loopback_service import LoopbackService

NAME = "video/app/prod/post"
PLAYED = ("openai", "gitlab", "openrouter", "turso", "gotify")
"""By cursor; by link and scope; by offset with ended rows; ended by name; without a probe."""
_numbers = itertools.count()


@pytest.fixture(params=PLAYED)
def service(request):
    with LoopbackService(described=FILES[request.param], value_prefix="tgcanary-") as running:
        yield running


@pytest.fixture
def cli(service, openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    name = service.described.name
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/services{next(_numbers)}")
    made.more = f"[providers.{name}]\nbase_url = {json.dumps(service.url)}\ndeath_floor = 2\n"
    made.environ[f"TOKENGUARD_ADMIN_{name.upper()}"] = service.admin.token.reveal()
    assert made("init", "--sandbox").code == 0
    return made


def add(cli, service, name=NAME):
    said = service.described
    return cli(
        "add", name, "--provider", said.name, "--scope", f"{said.scope_kind}:{service.scope}", "--env", "prod", "--owner",
        "video", "--purpose", f"posting as {name}", "--permission", "read", "--no-consumers", "--issue",
    )  # fmt: skip


def alive(service):
    return {each.value.token.reveal() for each in service.tokens.values() if each.alive}


def test_a_token_is_issued_rotated_ended_and_never_more_than_that(cli, service):
    assert add(cli, service, "video/app/prod/other").code == 0
    answer = add(cli, service)
    assert answer.code == 0, answer
    first = cli.live()
    assert len(alive(service)) == 2
    assert cli("rotate", NAME).code == 0
    second = cli.live()
    assert alive(service) == {second, cli.live("video/app/prod/other")}
    assert first != second
    answer = cli("rotate", NAME, "--compromised", "--reason", "leaked")
    assert answer.code == 0, answer
    assert alive(service) == {cli.live(), cli.live("video/app/prod/other")}
    assert cli("retire", NAME, "--yes").code == 0
    assert alive(service) == {cli.live("video/app/prod/other")}
    assert cli("audit", "verify").code == 0


def test_a_leaked_token_is_found_by_its_value_replaced_and_proven_dead(cli, service, tmp_path):
    assert add(cli, service, "video/app/prod/other").code == 0
    assert add(cli, service).code == 0
    leaked = cli.live()
    report = tmp_path / "gitleaks.json"
    report.write_text(
        json.dumps([{"RuleID": "generic", "File": "a.py", "StartLine": 1, "Secret": leaked, "Match": leaked}])
    )
    answer = cli("respond", str(report), "--reach", "public", "--where", "a public repository", "--rotate")
    assert answer.code == 0, answer
    assert leaked not in answer.out + answer.err
    assert leaked not in alive(service)
    assert alive(service) == {cli.live(), cli.live("video/app/prod/other")}
    assert cli("audit", "verify").code == 0


def test_a_create_whose_reply_is_lost_leaves_no_token_behind(cli, service):
    assert add(cli, service, "video/app/prod/other").code == 0
    assert add(cli, service).code == 0
    service.cuts = 1
    assert cli("rotate", NAME).code in {3, 4, 5}
    for _ in range(3):
        if cli("rotate", NAME, "--resume").code == 0:
            break
    assert alive(service) == {cli.live(), cli.live("video/app/prod/other")}


def test_an_outage_of_the_login_ends_no_token(cli, service):
    assert add(cli, service).code == 0
    service.refuses_all = True
    assert cli("rotate", NAME).code in {3, 4, 5}
    assert cli("retire", NAME, "--yes").code in {3, 4, 5}
    service.refuses_all = False
    assert cli.live() in alive(service)
    cli("rotate", NAME, "--resume")
    shown = cli("show", NAME, "--format", "json")
    assert shown.code == 0


def test_an_orphan_is_found_and_recorded(cli, service):
    assert add(cli, service).code == 0
    stranger = service.issue("made-by-hand")
    answer = cli("check", "--ask-providers", "--format", "json")
    assert any(each["rule"] == "orphan" for each in answer.document["violations"]), stranger
    scope = ("--scope", f"{service.described.scope_kind}:{service.scope}")
    imported = cli("import", "--from", f"provider:{service.described.name}", *scope)
    assert imported.code == 0, imported
    assert "made-by-hand" in cli("list", "--format", "json").out


@pytest.mark.parametrize("service", ["gotify"], indirect=True)
def test_an_id_that_another_token_has_by_now_is_never_revoked(cli, service):
    """Without a probe only the list speaks, and services use the id of a deleted token again."""
    assert add(cli, service, "video/app/prod/other").code == 0
    assert add(cli, service).code == 0
    assert cli("rotate", NAME).code == 0
    service.reuses_ids = True
    stranger = service.issue("a-colleagues-key")
    cli.clock.sleep(100_000)
    for _ in range(2):
        cli("upkeep")
        cli("verify", "--all")
        cli("rotate", NAME, "--resume")
    assert stranger.alive
    assert alive(service) == {cli.live(), cli.live("video/app/prod/other"), stranger.value.token.reveal()}


@pytest.mark.parametrize("service", ["gotify"], indirect=True)
def test_a_new_token_with_the_id_of_the_old_one_is_never_revoked(cli, service):
    assert add(cli, service, "video/app/prod/other").code == 0
    assert add(cli, service).code == 0
    service.reuses_ids = True
    cli("rotate", NAME, "--compromised", "--reason", "leaked")
    for _ in range(2):
        assert cli("rotate", NAME, "--resume").code != 0, "the list cannot tell them apart"
    assert {cli.live(), cli.live("video/app/prod/other")} == alive(service)


@pytest.mark.parametrize("service", ["gotify", "openai"], indirect=True)
def test_where_labels_are_shortened_a_label_that_is_not_listed_proves_nothing(cli, service):
    service.longest_label = 12
    assert add(cli, service, "video/app/prod/other").code == 0
    assert add(cli, service).code == 0
    service.cuts = 1
    assert cli("rotate", NAME).code == 4
    lost = len(alive(service))
    assert lost == 3
    assert cli("rotate", NAME, "--resume").code in {3, 4, 5}
    assert cli("rotate", NAME, "--abort").code in {3, 4, 5}


@pytest.mark.parametrize("service", ["gitlab"], indirect=True)
def test_a_token_gets_a_new_value_in_place(cli, service):
    assert add(cli, service, "video/app/prod/other").code == 0
    assert add(cli, service).code == 0
    before = cli.live()
    service.cuts = 1
    assert cli("rotate", NAME, "--in-place", "--accept-outage").code == 5
    answer = cli("rotate", NAME, "--resume")
    assert answer.code == 0, answer
    assert alive(service) == {cli.live(), cli.live("video/app/prod/other")}
    assert before not in alive(service)
