"""What every store promises of the things a team shares through it: each is replaced with its event, or not at all."""

from datetime import UTC, datetime

import pytest

from tokenguard.audit.chain import check_all
from tokenguard.domain.event import ChainHead, Event, Op, extend
from tokenguard.errors import Conflict
from tokenguard.ports.shared_item import Item, share_detail
from tokenguard.ports.store import Store
from tokenguard.usecases.verify_store import Checkable

BUNDLE = b"tokenguard bundle\n" + bytes(range(256)) * 40


def shared_event(store: Store, item: Item, data: bytes, op: Op = Op.SHARE, **detail: str | int | bool) -> Event:
    at = datetime(2026, 11, 1, 9, tzinfo=UTC)
    return Event(at=at, op=op, actor=store.actor(), detail={**share_detail(item, data), **detail})


def share(store: Store, item: Item, data: bytes, revision: str | None = None, times: int = 1):
    """Publish as the commands do, with as many events; over what is there, or over what was there at a revision."""
    if revision is None:
        there = store.shared_items.read(item)
        revision = there.revision if there else ""
    events = [shared_event(store, item, data, version=number) for number in range(times)]
    return store.shared_items.write(item, data, revision, events)


class ShelfContract:
    """One test per promise; `twin` is a second handle on the same store, as another process would have."""

    def put_without_a_trail(self, store: Store, item: Item, data: bytes) -> None:
        """Leave an item there as it was published before trails were kept."""
        raise NotImplementedError

    def test_a_shared_item_is_what_was_written_last(self, store: Store, twin: Store):
        assert store.shared_items.read(Item.FINGERPRINTS) is store.shared_items.trail(Item.FINGERPRINTS) is None
        made = share(store, Item.FINGERPRINTS, b"first")
        assert twin.shared_items.read(Item.FINGERPRINTS) == made
        assert made.data == b"first"
        made = share(twin, Item.FINGERPRINTS, BUNDLE, made.revision)
        assert store.shared_items.read(Item.FINGERPRINTS) == made
        assert made.data == BUNDLE
        assert store.shared_items.read(Item.SCAN_KEY) is None
        assert list(store.scan()) == []

    def test_its_event_is_there_as_soon_as_it_is(self, store: Store, twin: Store):
        made = share(store, Item.POLICY, b"{}")
        found, entries = twin.shared_items.trail(Item.POLICY)
        assert found == made
        expected = shared_event(store, Item.POLICY, b"{}", version=0)
        assert (made.chain, tuple(entries)) == extend("shared/policy", ChainHead(), [expected])
        assert entries[0].event.actor == store.actor()
        assert twin.shared_items.trail(Item.SCAN_KEY) is None

    def test_of_two_publishers_one_is_told_that_it_was_late_and_left_nothing(self, store: Store, twin: Store):
        share(store, Item.SCAN_KEY, b"one", "")
        with pytest.raises(Conflict):
            share(twin, Item.SCAN_KEY, b"two", "")
        seen = store.shared_items.read(Item.SCAN_KEY)
        share(twin, Item.SCAN_KEY, b"three", seen.revision)
        with pytest.raises(Conflict):
            share(store, Item.SCAN_KEY, b"four", seen.revision)
        for handle in (store, twin):
            shared, entries = handle.shared_items.trail(Item.SCAN_KEY)
            assert shared.data == b"three"
            assert [entry.event.detail["digest"] for entry in entries] == [
                share_detail(Item.SCAN_KEY, data)["digest"] for data in (b"one", b"three")
            ]

    @pytest.mark.parametrize("item", Item)
    def test_what_is_shared_is_no_stray(self, store: Store, item: Item):
        for _ in range(8):  # until events are archived too
            share(store, item, b"plan", times=10)
        assert not isinstance(store, Checkable) or list(store.check()) == []

    def test_however_often_it_is_published_no_event_is_lost(self, store: Store, twin: Store):
        for number in range(8):
            share(store if number % 2 else twin, Item.FINGERPRINTS, BUNDLE + bytes([number]), times=10)
        share(store, Item.POLICY, b"{}")
        shared, entries = twin.shared_items.trail(Item.FINGERPRINTS)
        assert [entry.seq for entry in entries] == list(range(1, 81))
        assert shared.chain == ChainHead(80, entries[-1].hash)
        told = {each.whose: (each.entries, each.broken) for each in check_all(twin)}
        assert told["the shared fingerprints"] == (80, None)
        assert told["the shared policy"] == (1, None)
        assert twin.shared_items.read(Item.FINGERPRINTS) == shared

    def test_what_was_published_before_trails_were_kept_is_read_and_followed(self, store: Store, twin: Store):
        for item, data in ((Item.SCAN_KEY, b"tgscan1.key"), (Item.FINGERPRINTS, BUNDLE)):
            self.put_without_a_trail(store, item, data)
            shared, entries = twin.shared_items.trail(item)
            assert (shared.data, shared.chain, tuple(entries)) == (data, ChainHead(), ())
            assert not [each.broken for each in check_all(twin) if each.broken]
            share(twin, item, data + b"2", shared.revision)
            shared, entries = store.shared_items.trail(item)
            assert (shared.data, len(entries)) == (data + b"2", 1)
            assert not [each.broken for each in check_all(store) if each.broken]

    def test_an_item_that_is_not_what_its_last_event_says_is_noticed(self, store: Store, twin: Store):
        made = share(store, Item.POLICY, b"old")
        store.shared_items.write(Item.POLICY, b"new", made.revision, [shared_event(store, Item.POLICY, b"old")])
        (broken,) = [each for each in check_all(twin) if each.broken]
        assert (broken.whose, broken.broken.seq) == ("the shared policy", 2)
