"""The audit trail of a token on AWS has no end: a secret's 20 labels and a version's size do not limit it."""

import json
import os
from fnmatch import fnmatch

import pytest

from tests.contract.store_suite import FIRST, SECOND, VALUE, created, event
from tests.fakes.secrets_manager.limits import MAX_LABELS
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, made, opened, place
from tokenguard.audit.chain import check_all
from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Op
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, Tampered
from tokenguard.stores.aws import event_archive
from tokenguard.stores.aws.codec import NeverCreated, unpack
from tokenguard.stores.aws.event_archive import BLOCK, Block
from tokenguard.stores.aws.policies import AwsStoreRole, policy
from tokenguard.stores.aws.store import AwsStore

HOME = "video-team/video/upload"


@pytest.fixture
def aws(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(event_archive, "_ROOMY", 700)
    monkeypatch.setattr(event_archive, "_STAY", 2)
    fake_aws.service.versions_per_secret = 100_000
    return fake_aws


@pytest.fixture
def store(aws: FakeAws) -> AwsStore:
    return made(aws)


def lengthened(store: AwsStore, read: Snapshot, commits: int) -> Snapshot:
    for _ in range(commits):
        noise = [event(store, Op.EDIT, reason=os.urandom(200).hex()) for _ in range(3)]
        read = store.commit(read.id, read.version, read.document, noise)
    return read


def archives(aws: FakeAws) -> list[str]:
    return sorted(name for name in aws.service.shelf.secrets if "/@log/" in name)


def labels(aws: FakeAws, secret: str) -> list[str]:
    return [label for label in aws.service.shelf.secrets[secret].labels if label.startswith(BLOCK)]


def drop_what_aws_may_drop(aws: FakeAws) -> None:
    for kept in aws.service.shelf.secrets.values():
        for version in [each for each in kept.versions.values() if not each.stages]:
            del kept.versions[version.id]


def test_a_trail_grows_past_every_label_of_its_secret_and_stays_whole(aws: FakeAws, store: AwsStore):
    read = lengthened(store, created(store), 45)
    assert len(archives(aws)) == 3
    assert all(len(kept.labels) <= MAX_LABELS for kept in aws.service.shelf.secrets.values())
    drop_what_aws_may_drop(aws)
    entries = opened(aws).history(read.id)
    assert [entry.seq for entry in entries] == list(range(1, 45 * 3 + 2))
    assert entries[-1].hash == read.document.chain.hash
    assert [checked.broken for checked in check_all(opened(aws))] == [None, None]


def test_a_token_with_a_long_trail_is_published_and_listed_as_ever(aws: FakeAws, store: AwsStore):
    read = lengthened(store, created(store), 30)
    for number, label in enumerate((FIRST, SECOND)):
        store.put_candidate(read.id, label, VALUE if number == 0 else Value.of("tgcanary-second-value"))
        assert store.publish(read.id, label, number) == number + 1
    assert list(opened(aws).scan()) == [read], "what holds blocks is not a token"
    assert opened(aws).find(read.document.record.name) == read


def test_room_that_a_crash_has_taken_is_found_elsewhere(aws: FakeAws, store: AwsStore):
    """Blocks whose state never came to count keep their labels; the trail goes on without that room."""
    read = lengthened(store, created(store), 3)
    for number in range(MAX_LABELS - len(aws.service.shelf.secrets[HOME].labels)):
        store.secrets.write(HOME, event_archive.new_version(), os.urandom(8), stage=f"{BLOCK}lost-{number}")
    read = lengthened(store, read, 5)
    assert archives(aws)
    assert len(opened(aws).history(read.id)) == 8 * 3 + 1


@pytest.mark.parametrize("before", [2, 20], ids=["at home", "in an archive"])
def test_the_block_of_a_commit_that_lost_is_let_go_and_the_winner_s_stays(aws: FakeAws, store: AwsStore, before: int):
    read = lengthened(store, created(store), before)
    slow = opened(aws)
    assert slow.load(read.id) == read
    lengthened(store, read, 2)
    secrets = [HOME, *archives(aws)]
    kept = {secret: labels(aws, secret) for secret in secrets}
    with pytest.raises(Conflict):
        lengthened(slow, read, 1)
    assert {secret: labels(aws, secret) for secret in secrets} == kept
    drop_what_aws_may_drop(aws)
    assert len(opened(aws).history(read.id)) == (before + 2) * 3 + 1


def test_a_crash_after_a_block_is_written_loses_nothing(aws: FakeAws, store: AwsStore):
    read = lengthened(store, created(store), 12)
    blocks = sum(len(labels(aws, secret)) for secret in (HOME, *archives(aws)))
    aws.fail("TagResource", "InternalServiceError", status=500)
    with pytest.raises(Exception, match="5xx"):
        lengthened(store, read, 1)
    assert sum(len(labels(aws, secret)) for secret in (HOME, *archives(aws))) == blocks + 1, "no block was written"
    again = opened(aws)
    assert len(again.history(lengthened(again, again.load(read.id), 3).id)) == 15 * 3 + 1


@pytest.mark.parametrize("lag", [1, 3])
def test_a_block_that_a_reader_does_not_know_yet_is_waited_for(aws: FakeAws, store: AwsStore, lag: int):
    read = created(store)
    aws.service.shelf.lag = lag
    read = lengthened(store, read, 12)
    assert len(store.history(read.id)) == 12 * 3 + 1


def test_a_missing_block_is_tampering(aws: FakeAws, store: AwsStore):
    read = lengthened(store, created(store), 12)
    kept = aws.service.shelf.secrets[archives(aws)[0]]
    for version in kept.versions.values():
        version.stages.discard("AWSCURRENT")
        version.stages = {label for label in version.stages if not label.startswith(BLOCK)}
    with pytest.raises(Tampered):
        opened(aws).history(read.id)


def test_what_an_application_may_read_of_an_archive_says_nothing(aws: FakeAws, store: AwsStore):
    lengthened(store, created(store), 12)
    current = opened(aws).secrets.read(archives(aws)[0])
    assert current is not None
    assert isinstance(unpack(current.data, NeverCreated), NeverCreated)  # type: ignore[arg-type]  # bytes


def test_the_inventory_role_may_read_the_trail_by_its_labels(aws: FakeAws, store: AwsStore):
    """It is never asked by the id of a version alone: the role's condition would not be met."""
    read = lengthened(store, created(store), 12)
    statements = json.loads(policy(AwsStoreRole.INVENTORY, place(aws)))["Statement"]
    (allowed,) = [each["Condition"]["StringLike"] for each in statements if each["Sid"] == "States"]
    aws.requests.clear()
    opened(aws).history(read.id)
    asked = [params for operation, params in aws.requests if operation == "GetSecretValue"]
    stages = [params.get("VersionStage") for params in asked if not params["SecretId"].endswith("/@store")]
    assert sum(stage.startswith(BLOCK) for stage in stages) > 8
    assert all(any(fnmatch(stage, each) for each in allowed["secretsmanager:VersionStage"]) for stage in stages)


@pytest.mark.parametrize("block", [Block(0, "0a1b"), Block(12, "0a1b")])
def test_where_a_block_is_is_written_and_read(block: Block):
    assert Block.parse(str(block)) == block
