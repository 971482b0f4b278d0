"""`edit --at-provider` changes the token itself, and records what the provider's list shows afterwards."""

import json

import pytest

from tests.contract.test_described_services import FILES
from tests.fakes.command_line import FakeTty
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.names import token_name
from tokenguard.providers.generic.loopback_service import LoopbackService
from tokenguard.settings import admin_variable
from tokenguard.shell.configuration import load_settings
from tokenguard.shell.vendors import ConfiguredVendors

NAME = "search/index/prod/read"
LABEL = "search-index-of-the-shop"


def served(cli, tmp_path, name):
    service = LoopbackService(described=FILES[name], value_prefix="tgcanary-")
    config = tmp_path / f"{name}.toml"
    config.write_text(f"[providers.{name}]\nbase_url = {json.dumps(service.url)}\n")
    config.chmod(0o600)
    cli.environ[admin_variable(name)] = service.admin.token.reveal()
    cli.vendors = ConfiguredVendors(load_settings(str(config), {}), cli.environ, cli.clock, lambda: cli.store)
    return service


def add(cli, service, *permissions, name=NAME):
    words = [word for each in permissions for word in ("--permission", each)]
    said = service.described
    answer = cli(
        "add", name, "--provider", said.name, "--scope", f"{said.scope_kind}:{service.scope}", "--env", "prod", "--owner",
        "search", "--purpose", "reading", *words, "--no-consumers", "--issue",
    )  # fmt: skip
    assert answer.code == 0, answer
    return service.tokens[record(cli, name).provider_id]


def record(cli, name=NAME):
    return cli.store.find(token_name(name)).document.record


def edits(cli):
    events = [each.event for each in cli.store.history(cli.store.find(token_name(NAME)).id)]
    return [(each.phase, each.detail.get("result", "")) for each in events if each.op is Op.EDIT]


@pytest.fixture
def pinecone(cli, tmp_path):
    with served(cli, tmp_path, "pinecone") as service:
        yield service


def change(cli, *words, **more):
    return cli("edit", NAME, *words, "--at-provider", "--yes", **more)


def test_permissions_and_label_are_changed_there_and_in_the_record(cli, pinecone):
    token = add(cli, pinecone, "ProjectEditor", "ProjectViewer")
    value = token.value.token.reveal()
    answer = change(cli, "--permission", "ProjectViewer", "--label", LABEL)
    assert answer.code == 0, answer
    assert (token.permissions, token.label, token.alive) == (("ProjectViewer",), LABEL, True)
    assert token.value.token.reveal() == value
    assert (record(cli).permissions, record(cli).label) == (("ProjectViewer",), LABEL)
    assert edits(cli) == [(Phase.INTENT, ""), (Phase.OUTCOME, "listed")]
    assert cli("audit", "verify").code == 0


def test_what_was_not_given_stays_as_the_provider_lists_it(cli, pinecone):
    token = add(cli, pinecone, "ProjectEditor")
    token.permissions = ("ProjectViewer",)  # somebody narrowed it there
    assert change(cli, "--label", LABEL).code == 0
    assert token.permissions == ("ProjectViewer",)
    assert record(cli).permissions == ("ProjectEditor",)


def test_a_rotation_afterwards_ends_the_renamed_token(cli, pinecone):
    token = add(cli, pinecone, "ProjectEditor")
    assert change(cli, "--label", LABEL).code == 0
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    assert not token.alive
    assert [each.alive for each in pinecone.tokens.values()].count(True) == 1


def test_an_update_that_lies_changes_no_record(cli, pinecone):
    token, before = add(cli, pinecone, "ProjectEditor"), record(cli)
    pinecone.ignores_update = True
    answer = change(cli, "--permission", "ProjectViewer")
    assert answer.code == 4
    assert "does not show the change" in answer.err
    assert (record(cli), token.permissions) == (before, ("ProjectEditor",))
    assert edits(cli) == [(Phase.INTENT, ""), (Phase.OUTCOME, "not listed")]
    pinecone.ignores_update = False
    assert change(cli, "--permission", "ProjectViewer").code == 0
    assert record(cli).permissions == token.permissions == ("ProjectViewer",)


def test_a_lost_reply_is_answered_by_the_list(cli, pinecone):
    token = add(cli, pinecone, "ProjectEditor")
    pinecone.cuts = 1
    answer = change(cli, "--label", LABEL)
    assert answer.code == 0, answer
    assert record(cli).label == token.label == LABEL


def test_a_change_that_is_there_already_is_only_recorded(cli, pinecone):
    token = add(cli, pinecone, "ProjectEditor")
    cli("edit", NAME, "--label", "somebody-renamed-it")
    token.label = LABEL
    asked = len(pinecone.asked)
    assert change(cli, "--label", LABEL).code == 0
    assert {each.method for each in pinecone.asked[asked:]} == {"GET"}
    assert record(cli).label == LABEL


def test_a_web_page_is_not_an_answer(cli, pinecone):
    add(cli, pinecone, "ProjectEditor")
    before = record(cli)
    pinecone.portal = True
    assert change(cli, "--label", LABEL).code == 4
    assert (record(cli), edits(cli)) == (before, [])


def test_another_token_is_never_changed(cli, pinecone):
    token = add(cli, pinecone, "ProjectEditor")
    add(cli, pinecone, "ProjectEditor", name="search/index/prod/other")
    taken = record(cli, "search/index/prod/other").label
    assert change(cli, "--label", taken).code == 2
    token.label = "of-somebody-else"  # an id that was given out again, or a hand in the settings page
    answer = change(cli, "--permission", "ProjectViewer")
    assert answer.code == 2
    assert "under another label" in answer.err
    pinecone.tokens.pop(token.id)
    assert change(cli, "--permission", "ProjectViewer").code == 2
    assert not [each for each in pinecone.asked if each.method == "PATCH"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--owner", "shop", "--label", LABEL), "takes --label and --permission"),
        (("--owner", "shop"), "takes --label and --permission"),
        ((), "takes --label and --permission"),
        (("--permission", ""), "--permission is empty"),
        (("--label", ""), "--label is empty"),
        (("--label", "a b"), "does not accept this label"),
        (("--label", "x" * 65), "does not accept this label"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_a_request(cli, pinecone, words, said):
    add(cli, pinecone, "ProjectEditor")
    asked, before = len(pinecone.asked), record(cli)
    answer = change(cli, *words)
    assert answer.code == 2
    assert said in answer.err
    assert (len(pinecone.asked), record(cli)) == (asked, before)


def test_a_provider_that_changes_labels_alone_is_sent_no_permissions(cli, tmp_path):
    with served(cli, tmp_path, "sendgrid") as service:
        token = add(cli, service, "mail.send", "mail.read")
        answer = change(cli, "--permission", "mail.send")
        assert answer.code == 2
        assert "sendgrid does not change --permission of a token by API" in answer.err
        assert change(cli, "--label", LABEL).code == 0
        assert token.label == LABEL


def test_one_that_changes_nothing_says_so(cli, tmp_path):
    with served(cli, tmp_path, "resend") as service:
        add(cli, service, "sending_access")
        answer = change(cli, "--label", LABEL)
        assert answer.code == 2
        assert "resend does not change --label of a token by API" in answer.err


def test_unconfirmed_nothing_is_sent(cli, pinecone):
    token = add(cli, pinecone, "ProjectEditor")
    words = ("edit", NAME, "--permission", "ProjectViewer", "--at-provider")
    assert cli(*words).code == 3
    cli.tty = FakeTty("no")
    assert cli(*words).code == 3
    assert "ProjectEditor becomes ProjectViewer" in "\n".join(cli.tty.shown)
    assert "wider by     ProjectViewer" in "\n".join(cli.tty.shown)
    assert (token.permissions, edits(cli)) == (("ProjectEditor",), [])
    plan = cli(*words, "--plan")
    assert plan.code == 0
    assert "ProjectViewer" in plan.out
    cli.tty = FakeTty("yes")
    assert cli(*words).code == 0
    assert token.permissions == ("ProjectViewer",)


def test_wider_permissions_wait_for_a_second_person(cli, pinecone, tmp_path):
    (tmp_path / "policy.yaml").write_text(
        "format: 1\nname: team\nextends: default\nrules:\n  - id: second-person\n    operations: [permissions]\n"
    )
    (tmp_path / "config.toml").write_text(f"[policy]\nfile = {json.dumps(str(tmp_path / 'policy.yaml'))}\n")
    (tmp_path / "config.toml").chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(tmp_path / "config.toml")
    token = add(cli, pinecone, "ProjectEditor", "ProjectViewer")
    token.permissions = ("ProjectViewer",)  # the record does not know that it was narrowed there
    waits = change(cli, "--permission", "ProjectEditor", "--permission", "ProjectViewer")
    assert waits.code == 3
    assert "tokenguard approve" in waits.err
    assert token.permissions == ("ProjectViewer",)
    assert change(cli, "--permission", "ProjectViewer").code == 0


def test_findings_name_the_command(cli, pinecone, tmp_path):
    (tmp_path / "policy.yaml").write_text(
        "format: 1\nname: team\nextends: default\nrules:\n"
        "  - id: least-privilege\n    permissions: {reading: [ProjectViewer]}\n"
    )
    (tmp_path / "config.toml").write_text(f"[policy]\nfile = {json.dumps(str(tmp_path / 'policy.yaml'))}\n")
    (tmp_path / "config.toml").chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(tmp_path / "config.toml")
    token = add(cli, pinecone, "ProjectEditor", "ProjectViewer")
    cli("edit", NAME, "--label", "token")
    token.label = "token"
    found = {each["rule"]: each["fix"] for each in cli("check", "--format", "json").document["violations"]}
    assert found["descriptive-name"] == f"tokenguard edit {NAME} --label LABEL --at-provider"
    assert found["least-privilege"] == f"tokenguard edit {NAME} --permission ProjectViewer --at-provider"
    words = found["least-privilege"].split()[1:]
    assert cli(*words, "--yes").code == 0
    assert cli("edit", NAME, "--label", LABEL, "--at-provider", "--yes").code == 0
    left = {each["rule"] for each in cli("check", "--format", "json").document["violations"]}
    assert not left & {"descriptive-name", "least-privilege"}
