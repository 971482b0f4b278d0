"""The trail of what a team shares: where it lies on a server, that it has no end, and that a change of it is noticed."""

import base64
import contextlib
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.shelf_suite import share
from tests.fakes import vault_stores
from tests.fakes.local_stores import made as local_made
from tests.fakes.secrets_manager import stores as aws_stores
from tests.fakes.secrets_manager.limits import MAX_LABELS
from tests.fakes.secrets_manager.server import FakeAws
from tokenguard.audit.chain import check_all
from tokenguard.clients.aws.secrets import CURRENT, MAX_BYTES, new_version
from tokenguard.domain.event import ChainHead, Op
from tokenguard.errors import Conflict, InputError, Tampered, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Store
from tokenguard.stores.aws.store import AwsStore
from tokenguard.stores.local import chains
from tokenguard.stores.local.codec import encode
from tokenguard.stores.local.sealing import RowKind
from tokenguard.stores.shared_item_codec import ItemTrail, packed, unpacked
from tokenguard.stores.vault.codec import pack, unpack
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.shared_items import _Packed

POLICY = b'{"policy": "ours"}'
SECRET = "video-team/@shared-policy"
Stored = tuple[ItemTrail, bytes]


class OnVault:
    """A store on OpenBao, and somebody else who may write to its entries."""

    def __init__(self, server: Any, prefix: str) -> None:
        place = VaultAddress(mount="secret", prefix=prefix)
        self.store: Any = vault_stores.made(place, vault_stores.connection(server.url, server.root_token))
        self._kv, self._path = self.store._kv, place.shared("policy")
        self.first_block = place.at("shared", "log", "policy", "000000")

    def stored(self) -> Stored:
        text = unpack(self._kv.read(self._path).data, _Packed).data
        return unpacked(base64.b64decode(text), Item.POLICY, self.store.store_id)

    def put(self, trail: ItemTrail, data: bytes) -> None:
        text = base64.b64encode(packed(trail, data)).decode()
        self._kv.write(self._path, pack(_Packed(text)), self._kv.read(self._path).version)

    def lose_a_block(self) -> None:
        self._kv.forget(self.first_block)


class OnAws:
    """The same on Secrets Manager."""

    def __init__(self, aws: FakeAws) -> None:
        self.store, self._aws = aws_stores.made(aws), aws

    def stored(self) -> Stored:
        found = self.store.secrets.read(SECRET)
        assert found is not None
        return unpacked(found.data, Item.POLICY, self.store.store_id)  # type: ignore[arg-type]  # bytes

    def put(self, trail: ItemTrail, data: bytes) -> None:
        at, before = new_version(), self.store.secrets.read(SECRET)
        assert before is not None
        self.store.secrets.write(SECRET, at, packed(trail, data))
        self.store.secrets.move(SECRET, CURRENT, at, before.version)

    def lose_a_block(self) -> None:
        kept = self._aws.service.shelf.secrets[SECRET]
        for version in kept.versions.values():
            version.stages = {label for label in version.stages if not label.startswith("tg-log-")}


Home = OnVault | OnAws


@pytest.fixture
def aws(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    for name, value in aws_stores.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return fake_aws


@pytest.fixture(params=["vault", "aws"])
def home(request: pytest.FixtureRequest) -> Home:
    if request.param == "aws":
        return OnAws(request.getfixturevalue("aws"))
    return OnVault(request.getfixturevalue("openbao"), f"tg/{abs(hash(request.node.nodeid)):x}")


def broken(store: Store) -> list[str]:
    return [f"{each.whose} {each.broken.seq}" for each in check_all(store) if each.broken]


def _altered(trail: ItemTrail, data: bytes) -> Stored:
    other = replace(trail.entries[1], event=replace(trail.entries[1].event, op=Op.EDIT))
    return replace(trail, entries=(trail.entries[0], other, *trail.entries[2:])), data


def _removed(trail: ItemTrail, data: bytes) -> Stored:
    return replace(trail, entries=(trail.entries[0], *trail.entries[2:])), data


def _cut(trail: ItemTrail, data: bytes) -> Stored:
    return replace(trail, entries=trail.entries[:-1]), data


def _put_back(trail: ItemTrail, data: bytes) -> Stored:
    """An event taken out with the head made to fit: what lies there is of the event that is missing."""
    entries = trail.entries[:-1]
    return replace(trail, entries=entries, chain=ChainHead(entries[-1].seq, entries[-1].hash)), data


def _other_data(trail: ItemTrail, _: bytes) -> Stored:
    return trail, b'{"policy": "theirs"}'


TAMPERINGS = {
    _altered: "the shared policy 2", _removed: "the shared policy 2", _cut: "the shared policy 2",
    _put_back: "the shared policy 2", _other_data: "the shared policy 3",
}  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda each: each.__name__)
def test_what_somebody_changes_beside_us_is_noticed(home: Home, tamper: Callable[[ItemTrail, bytes], Stored]):
    for number in range(3):
        share(home.store, Item.POLICY, POLICY + bytes([number]))
    assert broken(home.store) == []
    home.put(*tamper(*home.stored()))
    assert broken(home.store) == [TAMPERINGS[tamper]]


@pytest.mark.parametrize("tamper", [_other_data, _put_back], ids=lambda each: each.__name__)
def test_what_somebody_changes_beside_us_is_not_read(home: Home, tamper: Callable[[ItemTrail, bytes], Stored]):
    for number in range(3):
        share(home.store, Item.POLICY, POLICY + bytes([number]))
    home.put(*tamper(*home.stored()))
    with pytest.raises(Tampered):
        home.store.shared_items.read(Item.POLICY)


def test_the_item_of_another_store_is_not_read(home: Home):
    share(home.store, Item.POLICY, POLICY)
    trail, data = home.stored()
    home.put(replace(trail, store="0" * 32), data)
    for read in (home.store.shared_items.read, home.store.shared_items.trail):
        with pytest.raises(Tampered):
            read(Item.POLICY)
    home.put(replace(trail, store=""), data)
    assert home.store.shared_items.read(Item.POLICY).data == POLICY, "of an earlier version"


def test_another_item_in_its_place_and_a_lost_block_are_tampering(home: Home):
    for number in range(6):
        share(home.store, Item.POLICY, POLICY + bytes([number]), times=16)
    trail, data = home.stored()
    home.put(replace(trail, id=Item.FINGERPRINTS), data)
    with pytest.raises(Tampered):
        home.store.shared_items.read(Item.POLICY)
    home.put(trail, data)
    assert broken(home.store) == []
    home.lose_a_block()
    with pytest.raises(Tampered, match="block"):
        home.store.shared_items.trail(Item.POLICY)


@pytest.mark.parametrize("row", ["event", "head", "item"])
def test_who_has_the_key_of_a_local_store_is_found_out_too(tmp_path, monkeypatch, row: str):
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    with contextlib.closing(local_made(tmp_path / "store")) as store:
        for number in range(3):
            share(store, Item.POLICY, POLICY + bytes([number]))
        assert (broken(store), list(store.check())) == ([], [])
        _, entries = store.shared_items.trail(Item.POLICY)
        with store.session.writing() as work:
            if row == "event":
                other = replace(entries[1], event=replace(entries[1].event, op=Op.EDIT))
                work.rows.put(RowKind.EVENT, chains.entry_key(Item.POLICY.chain, 2), encode(other))
            elif row == "head":
                work.rows.put(RowKind.CHAIN, Item.POLICY.chain, encode(ChainHead(2, entries[1].hash)))
            else:
                work.rows.put(RowKind.SHARED, Item.POLICY, b'{"policy": "theirs"}')
        assert broken(store)
        assert list(store.check()) or row == "item"


def test_a_publication_that_breaks_off_leaves_what_was_there_and_is_made_again(aws: FakeAws):
    store = aws_stores.made(aws)
    share(store, Item.POLICY, POLICY, times=30)
    before = store.shared_items.trail(Item.POLICY)
    aws.fail("UpdateSecretVersionStage", "InternalServiceError", status=500)
    with pytest.raises(Unreachable):
        share(store, Item.POLICY, POLICY + b"2", times=5)
    assert aws_stores.opened(aws).shared_items.trail(Item.POLICY) == before
    share(store, Item.POLICY, POLICY + b"2", times=5)
    shared, entries = aws_stores.opened(aws).shared_items.trail(Item.POLICY)
    assert (shared.data, len(entries)) == (POLICY + b"2", 35)


def test_the_same_on_a_vault_whose_entry_could_not_be_written(openbao, monkeypatch):
    home = OnVault(openbao, "tg/broken-off")
    share(home.store, Item.POLICY, POLICY, times=60)
    before = home.store.shared_items.trail(Item.POLICY)
    real = type(home._kv).write

    def write(kv: Any, path: str, *arguments: Any) -> int:
        if path == home._path:
            raise Unreachable("the connection broke", hint="")
        return real(kv, path, *arguments)

    monkeypatch.setattr(type(home._kv), "write", write)
    with pytest.raises(Unreachable):
        share(home.store, Item.POLICY, POLICY + b"2", times=5)
    monkeypatch.undo()
    assert home._kv.read(home.first_block) is not None, "the block came before the entry"
    assert home.store.shared_items.trail(Item.POLICY) == before
    share(home.store, Item.POLICY, POLICY + b"2", times=5)
    assert broken(home.store) == []
    assert len(home.store.shared_items.trail(Item.POLICY)[1]) == 65


def test_on_aws_a_trail_outgrows_its_secret_and_a_publisher_who_lost_leaves_no_block(aws: FakeAws):
    store: AwsStore = aws_stores.made(aws)
    for number in range(24):
        share(store, Item.POLICY, POLICY + bytes([number]), times=20)
    names = [name for name in aws.service.shelf.secrets if name.startswith(SECRET)]
    assert names == [SECRET, f"{SECRET}/1"]
    assert all(len(kept.labels) <= MAX_LABELS for kept in aws.service.shelf.secrets.values())
    seen = store.shared_items.read(Item.POLICY)
    share(store, Item.POLICY, POLICY, times=15)
    labels = {name: set(aws.service.shelf.secrets[name].labels) for name in names}
    for revision in (seen.revision, new_version()):
        with pytest.raises(Conflict):
            share(aws_stores.opened(aws), Item.POLICY, b"late", revision, times=40)
    assert {name: set(aws.service.shelf.secrets[name].labels) for name in names} == labels
    assert len(aws_stores.opened(aws).shared_items.trail(Item.POLICY)[1]) == 24 * 20 + 15
    assert broken(store) == []


def test_on_aws_events_make_room_before_an_item_is_too_large(aws: FakeAws, words):
    store = aws_stores.made(aws)
    large = bytes(range(256)) * 300
    noise = os.urandom(MAX_BYTES - 1_000)
    for _ in range(12):
        share(store, Item.FINGERPRINTS, noise)
    assert len(store.shared_items.trail(Item.FINGERPRINTS)[1]) == 12
    share(store, Item.FINGERPRINTS, large)
    with pytest.raises(InputError) as caught:
        share(store, Item.FINGERPRINTS, noise + noise)
    words(caught.value)
    assert store.shared_items.read(Item.FINGERPRINTS).data == large
    assert broken(store) == []
