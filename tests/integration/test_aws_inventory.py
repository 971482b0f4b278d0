"""How many requests an inventory takes, and that fewer of them do not show less."""

import math
from datetime import UTC, datetime

import pytest

from tests.contract.store_suite import VALUE, created, document, event
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, made, opened
from tokenguard.clients.aws.secrets import tags_in
from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import new_token_id
from tokenguard.frozen import replace
from tokenguard.stores.aws.store import AwsStore

OPENING = 1
"""The store's own secret."""


@pytest.fixture
def aws(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return fake_aws


@pytest.fixture
def store(aws: FakeAws) -> AwsStore:
    return made(aws)


def fill(aws: FakeAws, store: AwsStore, count: int) -> None:
    """`count` ordinary tokens, made without the network: one through the store, the others after its pattern."""
    one = created(store, "team/service0/prod/post", owner="team", purpose="p" * 60, environment="prod")
    pattern = store._tokens.newest(one.id)
    from tokenguard.clients.aws.secrets import new_version
    from tokenguard.stores.aws.codec import pack
    from tokenguard.stores.aws.projection import tags_of

    for number in range(1, count):
        token, at = new_token_id(), new_version()
        name = f"team/service{number}/prod/post"
        record = replace(pattern.body.document.record, name=name, fingerprint=Fingerprint(token))
        body = replace(pattern.body, id=token, document=replace(pattern.body.document, record=record))
        import base64

        tags = tags_of(
            store.store_id,
            Snapshot(id=token, version=1, document=body.document),
            (f"video-team/{name}", at),
            store.header.fingerprint_key,
        )
        aws.service.call(
            "CreateSecret",
            {
                "Name": f"video-team/{name}",
                "ClientRequestToken": at,
                "SecretBinary": base64.b64encode(pack(body)).decode(),
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            },
        )
        aws.service.call(
            "UpdateSecretVersionStage",
            {"SecretId": f"video-team/{name}", "VersionStage": "tg-doc", "MoveToVersionId": at},
        )


@pytest.mark.parametrize("count", [99, 100, 450])
def test_an_inventory_takes_one_request_for_a_hundred_tokens(aws, store, count):
    fill(aws, store, count)
    reader = opened(aws)
    before = reader.secrets.client.asked
    found = list(reader.scan())
    assert len(found) == count
    assert [each.document.record.name for each in found] == sorted(each.document.record.name for each in found)
    assert reader.secrets.client.asked - before == math.ceil(count / 100)


@pytest.mark.slow
def test_ten_thousand_tokens_take_a_hundred_requests(aws, store):
    fill(aws, store, 10_000)
    reader = opened(aws)
    assert len(list(reader.scan())) == 10_000
    assert reader.secrets.client.asked - OPENING <= 100


def test_a_leak_leads_to_its_owner_in_two_requests(aws, store):
    fill(aws, store, 250)
    leaked = created(store, "leaky/service", owner="video", fingerprint=store.fingerprint(VALUE))
    finder = opened(aws)
    before = finder.secrets.client.asked
    (holder,) = finder.holders(finder.fingerprint(VALUE))
    assert holder == leaked.id
    assert finder.load(holder).document.record.owner == "video"
    assert finder.secrets.client.asked - before <= 2


def test_a_leak_leads_to_an_owner_whose_secret_lost_its_tags(aws, store):
    fill(aws, store, 3)
    leaked = created(store, "leaky/service", owner="video", fingerprint=store.fingerprint(VALUE))
    aws.service.shelf.secrets["video-team/leaky/service"].tags.clear()
    finder = opened(aws)
    assert finder.holders(finder.fingerprint(VALUE)) == (leaked.id,)


def test_finding_a_token_by_its_name_takes_one_request(aws, store):
    created(store)
    finder = opened(aws)
    before = finder.secrets.client.asked
    assert finder.find(document().record.name) is not None
    assert finder.secrets.client.asked - before == 1


def test_a_second_listing_reads_only_what_changed(aws, store):
    fill(aws, store, 350)
    clock = aws.service.now
    reader = opened(aws)
    first = list(reader.scan())
    aws.service.now = lambda: clock() + 3600  # every change so far is long past
    changed = store.commit(first[0].id, 1, document(first[0].document.record.name, purpose="x"), [])
    later = created(store, "zzz/new")
    before = reader.secrets.client.asked
    list(reader.scan())
    before = reader.secrets.client.asked
    found = {each.id: each for each in reader.scan()}
    assert (found[changed.id], found[later.id]) == (changed, later)
    assert len(found) == 351
    assert reader.secrets.client.asked - before == 1


@pytest.mark.parametrize("how", ["refuses", "ignores"])
def test_where_a_region_cannot_sort_everything_is_listed(aws, store, how, monkeypatch):
    fill(aws, store, 250)
    if how == "refuses":
        aws.service.knows_sorting = False
    else:
        listing = type(aws.service).ListSecrets
        monkeypatch.setattr(
            type(aws.service),
            "ListSecrets",
            lambda self, params: listing(self, {k: v for k, v in params.items() if not k.startswith("Sort")} | {"SortBy": "name"}),
        )  # fmt: skip
    reader = opened(aws)
    assert len(list(reader.scan())) == 250
    created(store, "new/token")
    assert len(list(reader.scan())) == 251


def test_a_projection_is_not_believed_when_it_is_not_of_the_present_state(aws, store):
    read = created(store)
    stale = dict(aws.service.shelf.secrets["video-team/video/upload"].tags)
    edited = replace(read.document, record=replace(read.document.record, purpose="new"))
    now = store.commit(read.id, 1, edited, [event(store, Op.EDIT)])
    aws.service.shelf.secrets["video-team/video/upload"].tags = stale
    assert list(opened(aws).scan()) == [now]


def test_a_document_that_no_tags_can_hold_is_read_by_itself(aws, store):
    import uuid

    notes = "".join(uuid.uuid4().hex for _ in range(400))
    large = created(store, notes=notes)
    assert list(opened(aws).scan()) == [large]


def test_people_can_filter_by_words_in_tags_and_no_tag_is_more_than_aws_takes(aws, store):
    due = datetime(2027, 1, 2, tzinfo=UTC)
    created(store, owner="video", environment="prod", due_at=due, purpose="ünï ☃ " * 30, notes="; drop" * 50)
    listed = aws.service.call("DescribeSecret", {"SecretId": "video-team/video/upload"})
    tags = tags_in(listed)
    assert (tags["tg:owner"], tags["tg:env"], tags["tg:due"]) == ("video", "prod", "2027-01-02")
    assert len(tags) <= 42


def test_a_token_that_knows_more_values_than_tags_can_say_is_found_all_the_same(aws, store):
    from tokenguard.domain.journal import Attempt, Journal, Mode, Stage
    from tokenguard.domain.names import Label

    now = datetime(2026, 11, 1, tzinfo=UTC)
    prints = [Fingerprint(f"{number:032x}") for number in range(20)]
    journal = Journal(
        id="0" * 32, mode=Mode.PLANNED, stage=Stage.OPEN, epoch=1, holder="h/1/x", opened_at=now, updated_at=now,
        attempts=tuple(Attempt(label=Label(f"l{n}"), fingerprint=each) for n, each in enumerate(prints)),
    )  # fmt: skip
    read = created(store)
    store.commit(read.id, 1, replace(read.document, journal=journal), [])
    assert all(opened(aws).holders(each) == (read.id,) for each in (prints[0], prints[19]))
    store.commit(read.id, 2, read.document, [])
    assert opened(aws).holders(prints[0]) == ()
