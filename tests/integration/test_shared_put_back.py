"""An older copy of what a team shares, or of a store's own entry, that others put back or remove: refused, not used."""

import itertools
import json
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from tests.fakes import vault_stores
from tests.fakes.secrets_manager import stores as aws_stores
from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.integration.test_aws_strays import prefix_of
from tests.integration.test_second_person_stores import OTHER, prepared
from tests.integration.test_vault_put_back import Entry
from tokenguard.domain.event import Event, Op
from tokenguard.domain.migration_status import Move, MoveStage
from tokenguard.errors import ExitCode
from tokenguard.ports.store import Store
from tokenguard.stores.vault.layout import VaultAddress

POLICY = "format: 1\nname: loose\nextends: default\n"
_numbers = itertools.count()


class OnVault:
    """A store on OpenBao, and somebody else who may write to its entries."""

    PATHS: ClassVar = {
        "approvals": "shared/approvals/plans",
        "requests": "shared/requests/list",
        "policy": "shared/policy",
    }

    def __init__(self, cli: VaultCommandLine) -> None:
        self.cli = cli

    def place(self, item: str) -> str:
        return f"secret/{self.entry(item).path}"

    def entry(self, item: str) -> Entry:
        return Entry(self.cli, self.PATHS.get(item, item))

    def opened(self) -> Store:
        mount, prefix = self.cli.url.removeprefix("vault://").split("/", 1)
        server = self.cli.server
        connection = vault_stores.connection(server.url, server.root_token)
        return vault_stores.opened(VaultAddress(mount=mount, prefix=prefix), connection)

    def put_back(self, item: str) -> None:
        entry = self.entry(item)
        entry.put(entry.content(entry.version - 1))

    def remove(self, item: str) -> None:
        self.entry(item).remove()

    def restore(self, item: str) -> None:
        """What the hint says."""
        entry = self.entry(item)
        entry.put(entry.content(entry.version - 1) | {"version": entry.version + 1})


class OnAws:
    """The same on Secrets Manager."""

    def __init__(self, cli: AwsCommandLine) -> None:
        self.cli = cli

    def place(self, item: str) -> str:
        return f"{prefix_of(self.cli)}/{'@store' if item == 'meta/store' else f'@shared-{item}'}"

    def opened(self) -> Store:
        return aws_stores.opened(self.cli.aws, prefix=prefix_of(self.cli))

    def put_back(self, item: str) -> None:
        stages = self.call(item, "DescribeSecret")["VersionIdsToStages"]
        (current,) = (each for each, labels in stages.items() if "AWSCURRENT" in labels)
        (before,) = (each for each, labels in stages.items() if "AWSPREVIOUS" in labels)
        self.move(item, current, before)

    def restore(self, item: str) -> None:
        self.put_back(item)

    def move(self, item: str, current: str, to: str) -> None:
        self.call(item, "UpdateSecretVersionStage", VersionStage="AWSCURRENT", MoveToVersionId=to,
                  RemoveFromVersionId=current)  # fmt: skip

    def remove(self, item: str) -> None:
        self.call(item, "DeleteSecret", ForceDeleteWithoutRecovery=True)

    def call(self, item: str, operation: str, **params: object) -> dict:
        return self.cli.aws.service.call(operation, {"SecretId": self.place(item), **params})


Home = OnVault | OnAws


@pytest.fixture(params=["vault", "aws"])
def home(request, sandbox, tmp_path, capfd, monkeypatch) -> Home:
    monkeypatch.chdir(tmp_path)
    if request.param == "vault":
        url = f"vault://secret/shared-back{next(_numbers)}"
        cli = VaultCommandLine(request.getfixturevalue("openbao"), sandbox, tmp_path, capfd, url=url, approver=False)
        prepared(cli, tmp_path)
        return OnVault(cli)
    for name, value in aws_stores.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    aws = AwsCommandLine(request.getfixturevalue("fake_aws"), sandbox, tmp_path, capfd, monkeypatch, approver=False)
    prepared(aws, tmp_path)
    return OnAws(aws)


def refused(home: Home, item: str, *lines: tuple[str, ...]) -> None:
    for line in lines:
        answer = home.cli(*line)
        assert answer.code == ExitCode.TAMPERED, (line, answer)
        assert home.place(item) in answer.out + answer.err, line


def forced(home: Home, name: str) -> None:
    assert home.cli("retire", name, "--yes", "--break-glass", "at night").code == ExitCode.OK


def reviews(home: Home) -> list[str]:
    found = json.loads(home.cli("check", "--inventory-only", "--format", "json").out)["violations"]
    return [each["fix"] for each in found if each["rule"] == "second-person"]


WHOLE = (("audit", "verify"), ("doctor",))


def test_an_open_review_cannot_be_taken_off_the_list_by_putting_an_older_one_back(home):
    forced(home, OTHER)
    forced(home, NAME)
    assert len(reviews(home)) == 2
    home.put_back("requests")
    refused(home, "requests", ("check", "--inventory-only"), ("request",), *WHOLE)
    home.restore("requests")
    assert len(reviews(home)) == 2
    assert home.cli("audit", "verify").code == ExitCode.OK


def test_an_older_policy_is_not_used_again(home):
    for number in range(2):
        (home.cli.directory / "loose.yaml").write_text(f"{POLICY}# {number}\n")
        assert home.cli("policy", "publish", "loose.yaml").code == ExitCode.OK
    home.put_back("policy")
    refused(home, "policy", *WHOLE)
    home.restore("policy")
    assert home.cli("audit", "verify").code == ExitCode.OK


def test_a_pinned_rule_does_not_end_by_putting_back_what_was_there_before_it(home):
    assert home.cli("policy", "pin", "--yes", "--reason", "one rule").code == ExitCode.OK
    assert home.cli("policy", "pin", "--end", "--yes", "--reason", "over").code == ExitCode.OK
    home.put_back("approvals")
    refused(home, "approvals", ("retire", NAME, "--yes"), *WHOLE)


def moved(store: Store) -> None:
    """Record that everything is in another store now."""
    at = datetime(2026, 11, 1, 9, tzinfo=UTC)
    gone = Move(id="0" * 32, stage=MoveStage.LEFT, other="local:///new", other_id="1" * 32, since=at)
    store.put_move(None, gone, [Event(at=at, op=Op.MIGRATE, actor=store.actor())])


def test_a_store_that_was_left_is_not_used_again_by_putting_its_own_entry_back(home):
    moved(home.opened())
    home.put_back("meta/store")
    refused(home, "meta/store", *WHOLE)


def test_who_removes_the_requests_is_told_by_what_was_begun_with_break_glass(home):
    forced(home, NAME)
    home.remove("requests")
    for line in WHOLE:
        answer = home.cli(*line)
        assert answer.code == ExitCode.TAMPERED, line
        assert NAME in answer.out + answer.err, line
