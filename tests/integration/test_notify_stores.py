"""Notifications on real stores: with the rotator's printed policy on OpenBao, and statement by statement on AWS."""

import json
import os
from collections.abc import Iterator

import pytest

from tests.fakes.notification_receiver import SECRET, Receiver
from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.integration.test_approval_roles import allowed, login, writes
from tokenguard.ports.shared_item import Item
from tokenguard.stores.aws.policies import AwsStoreRole

HOUR = 3_600


@pytest.fixture
def on_vault(openbao, sandbox, tmp_path, capfd, request) -> Iterator[tuple[VaultCommandLine, Receiver]]:
    url = f"vault://secret/notify-{abs(hash(request.node.nodeid)):x}"
    yield from made(VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=url))


@pytest.fixture
def on_aws(fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> Iterator[tuple[AwsCommandLine, Receiver]]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    yield from made(AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch))


def made(cli):
    assert cli("init", "--sandbox").code == 0
    with Receiver(cli.clock) as receiver:
        cli.environ = {**cli.environ, "HOOK_SECRET": SECRET}
        cli.more += f'[notify.routes.ops]\nwebhook = "{receiver.url}/hook"\nsecret = "env:HOOK_SECRET"\n'
        assert cli.issue().code == 0
        assert cli("edit", NAME, "--due", "2026-01-01").code == 0
        yield cli, receiver


def test_a_rotator_notifies_from_vault_and_no_other_role_writes_the_outbox(on_vault):
    cli, receiver = on_vault
    rotator = login(cli, "rotator")
    receiver.status = 500
    assert cli("notify", token=rotator).code == 4
    receiver.status = 204
    cli.clock.sleep(HOUR)
    assert cli("notify", token=rotator).code == 0
    assert receiver.events == [("overdue", NAME)]
    assert cli("upkeep", token=rotator).code == 0
    assert cli("audit", "verify", token=login(cli, "auditor")).code == 0
    mount, prefix = cli.url.removeprefix("vault://").split("/", 1)
    path = f"{mount}/data/{prefix}/shared/outbox/queue"
    content = {"data": {"data": "x"}}
    for role in ("planner", "publisher", "inventory", "auditor", "scanner", "ci-reader", "approver"):
        token = login(cli, role)
        assert cli.server.api("POST", path, content, check=False, token=token).status_code == 403, role
        if role in {"scanner", "ci-reader"}:  # a publisher verifies the trails
            assert cli.server.api("GET", path, check=False, token=token).status_code == 403, role
    assert cli("notify", token=login(cli, "scanner")).code == 4


@pytest.mark.parametrize(
    ("made_for", "told"),
    [({"ttl": "5d", "renewable": False}, True), ({"ttl": "20d", "renewable": False}, False), ({"ttl": "1h", "renewable": False}, False), ({"ttl": "5d"}, False), ({"ttl": "1h", "explicit_max_ttl": "5d"}, True), ({"ttl": "1h", "explicit_max_ttl": "20d"}, False), ({"ttl": "1h", "explicit_max_ttl": "3h"}, False)],
)  # fmt: skip
def test_a_login_that_a_person_has_to_replace_is_told_before_it_ends(on_vault, made_for, told):
    cli, receiver = on_vault
    assert cli("notify", token=cli.server.new_token(**made_for)).code == 0
    assert (("login-ends", "") in receiver.events) is told


def test_each_login_that_ends_is_told_with_its_machine_and_shown_by_doctor(on_vault):
    cli, receiver = on_vault
    logins = [cli.server.new_token(ttl="5d", renewable=False, display_name=each) for each in ("one", "two")]
    for login_token in (*logins, *logins):
        assert cli("notify", token=login_token).code == 0
    told = [each.data["text"] for each in receiver.handled if each.event == "login-ends"]
    assert len(told) == 2
    assert all(os.uname().nodename in each for each in told)
    checks = cli("doctor", "--format", "json", token=logins[0]).document["checks"]
    assert [each["level"] for each in checks if each["check"] == "login"] == ["warn"]


def test_a_rotator_notifies_from_aws_and_no_other_policy_allows_its_writes(on_aws):
    cli, receiver = on_aws
    for status, code in ((500, 4), (204, 0)):
        receiver.status = status
        cli.aws.requests.clear()
        assert cli("notify").code == code
        cli.clock.sleep(HOUR)
        asked = [each for each in writes(cli.aws) if Item.OUTBOX.value in json.dumps(each[1])]
        assert asked
        for operation, params in asked:
            assert allowed(AwsStoreRole.ROTATOR, cli.aws, operation, params), operation
            for role in set(AwsStoreRole) - {AwsStoreRole.ROTATOR, AwsStoreRole.BREAK_GLASS}:
                assert not allowed(role, cli.aws, operation, params), (role, operation)
    assert receiver.events == [("overdue", NAME)]
    read = {"SecretId": f"{cli.url.split('/', 3)[3]}/@shared-outbox"}
    assert not allowed(AwsStoreRole.SCANNER, cli.aws, "GetSecretValue", read)
    assert allowed(AwsStoreRole.ROTATOR, cli.aws, "GetSecretValue", read)
