"""What every Store promises. An adapter's test subclasses `StoreContract` and gives the fixture `store`."""

from datetime import UTC, datetime

import pytest

from tests.contract.shelf_suite import ShelfContract
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import GENESIS, Event, Op, entry_hash
from tokenguard.domain.fingerprint import FingerprintKey, fingerprint_of
from tokenguard.domain.migration_status import Move, MoveStage
from tokenguard.domain.names import Label, TokenId, TokenName, new_token_id, token_name
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Record
from tokenguard.errors import Conflict, InputError, Moved
from tokenguard.frozen import replace
from tokenguard.ports.store import Live, Store, Tombstone

FIRST = Label("upload-abcdefgh-1")
SECOND = Label("upload-abcdefgh-2")
VALUE = Value.of("tgcanary-first")
OTHER = Value.of("tgcanary-second")


def document(name: str = "video/upload", **record: object) -> Document:
    return Document(record=Record(name=token_name(name), provider="descript", **record))


def event(store: Store, op: Op = Op.ADD, **detail: str | int | bool) -> Event:
    return Event(at=datetime(2026, 11, 1, 9, tzinfo=UTC), op=op, actor=store.actor(), detail=detail)


def created(store: Store, name: str = "video/upload", **record: object) -> Snapshot:
    return store.commit(new_token_id(), 0, document(name, **record), [event(store)])


def move() -> Move:
    return Move(
        id="c" * 32, stage=MoveStage.LEAVING, other="local:///elsewhere", other_id="d" * 32,
        since=datetime(2026, 11, 1, 9, tzinfo=UTC),
    )  # fmt: skip


class StoreContract(ShelfContract):
    """One test per promise; `twin` is a second handle on the same store, as another process would have."""

    @pytest.fixture
    def twin(self, store: Store) -> Store:
        return store

    # ---- batches

    def test_what_a_batch_writes_is_read_within_and_stored_at_its_end(self, store: Store, twin: Store):
        with store.batch():
            snapshot = created(store)
            store.put_candidate(snapshot.id, FIRST, VALUE)
            store.publish(snapshot.id, FIRST, 0)
            snapshot = store.commit(snapshot.id, snapshot.version, document(purpose="uploads"), [event(store, Op.EDIT)])
            assert store.find(token_name("video/upload")) == snapshot
            assert store.read_live(snapshot.id) == Live(FIRST, 1, VALUE)
            other = created(store, "video/other")
        for handle in (store, twin):
            assert list(handle.scan()) == [other, snapshot]
            assert handle.read_live(snapshot.id) == Live(FIRST, 1, VALUE)
            assert [entry.event.op for entry in handle.history(snapshot.id)] == [Op.ADD, Op.EDIT]

    def test_a_refused_step_leaves_the_rest_of_its_batch(self, store: Store, twin: Store):
        with store.batch():
            snapshot = created(store)
            with pytest.raises(Conflict):
                store.commit(snapshot.id, 7, document(purpose="uploads"), [event(store, Op.EDIT)])
            with pytest.raises(Conflict):
                created(store)
            store.put_candidate(snapshot.id, FIRST, VALUE)
            with pytest.raises(Conflict):
                store.put_candidate(snapshot.id, FIRST, OTHER)
        assert list(twin.scan()) == [snapshot]
        assert twin.read_candidate(snapshot.id, FIRST) == VALUE

    # ---- holdings

    def test_holdings_are_every_token_with_its_values(self, store: Store):
        first, second = created(store), created(store, "video/other")
        for label, value in ((FIRST, VALUE), (SECOND, OTHER)):
            store.put_candidate(first.id, label, value)
        store.publish(first.id, SECOND, 0)
        found = {snapshot.id: held for snapshot, held in store.holdings()}
        assert list(found) == [second.id, first.id]
        for _ in range(2):
            assert found[first.id].live() == store.read_live(first.id) == Live(SECOND, 1, OTHER)
        assert found[first.id].candidate(SECOND) == OTHER
        assert found[first.id].candidate(FIRST) == VALUE
        assert (found[second.id].live(), found[second.id].candidate(FIRST)) == (None, None)

    # ---- documents

    def test_an_empty_store_holds_nothing(self, store: Store):
        assert list(store.scan()) == []
        assert store.find(token_name("video/upload")) is None
        assert store.read_live(new_token_id()) is None
        assert store.read_candidate(new_token_id(), FIRST) is None
        assert store.history(new_token_id()) == ()

    def test_a_store_says_what_and_where_it_is(self, store: Store, twin: Store):
        assert len(bytes.fromhex(store.store_id)) == 16
        assert "://" in store.url
        assert (twin.store_id, twin.url) == (store.store_id, store.url)
        assert store.actor().id

    def test_a_committed_document_is_found_by_id_and_by_name(self, store: Store, twin: Store):
        snapshot = created(store, purpose="uploads")
        assert snapshot.version == 1
        assert snapshot.document.record.purpose == "uploads"
        for handle in (store, twin):
            assert handle.load(snapshot.id) == snapshot
            assert handle.find(token_name("video/upload")) == snapshot
            assert list(handle.scan()) == [snapshot]

    def test_an_unknown_id_is_bad_input(self, store: Store):
        with pytest.raises(InputError):
            store.load(new_token_id())

    def test_scan_is_ordered_by_name(self, store: Store):
        names = ["b/x", "a", "b", "a-b", "b/x/y", "a.b", "z9"]
        for name in names:
            created(store, name)
        assert [snapshot.document.record.name for snapshot in store.scan()] == sorted(names)

    def test_a_store_can_be_changed_while_it_is_scanned(self, store: Store):
        for name in ("a", "b", "c"):
            created(store, name)
        for snapshot in store.scan():
            store.commit(snapshot.id, snapshot.version, snapshot.document, [event(store, Op.VERIFY)])
        assert [snapshot.version for snapshot in store.scan()] == [2, 2, 2]

    def test_a_commit_expects_the_version_it_read(self, store: Store, twin: Store):
        read = created(store)
        edited = replace(read.document, record=replace(read.document.record, purpose="one"))
        newer = store.commit(read.id, read.version, edited, [event(store, Op.EDIT)])
        assert newer.version > read.version
        with pytest.raises(Conflict):
            twin.commit(read.id, read.version, read.document, [event(store, Op.EDIT)])
        assert twin.load(read.id) == newer

    @pytest.mark.parametrize("expected", [1, 2, 99])
    def test_a_document_that_is_not_there_has_version_zero(self, store: Store, expected: int):
        with pytest.raises(Conflict):
            store.commit(new_token_id(), expected, document(), [event(store)])
        assert list(store.scan()) == []

    def test_creating_twice_is_a_conflict(self, store: Store):
        snapshot = created(store)
        with pytest.raises(Conflict):
            store.commit(snapshot.id, 0, document("another"), [event(store)])
        assert list(store.scan()) == [snapshot]

    def test_a_name_belongs_to_one_token(self, store: Store, twin: Store):
        holder = created(store)
        with pytest.raises(Conflict):
            created(twin)
        other = created(store, "other")
        with pytest.raises(Conflict):
            store.commit(other.id, other.version, document(), [event(store, Op.EDIT)])
        assert store.find(token_name("video/upload")) == holder
        assert store.history(other.id) == twin.history(other.id)
        assert len(store.history(other.id)) == 1

    def test_a_rename_moves_the_name_and_frees_the_old_one(self, store: Store):
        snapshot = created(store, "old")
        renamed = store.commit(snapshot.id, snapshot.version, document("new"), [event(store, Op.EDIT)])
        assert store.find(token_name("old")) is None
        assert store.find(token_name("new")) == renamed
        again = created(store, "old")
        assert store.find(token_name("old")) == again
        assert [found.document.record.name for found in store.scan()] == ["new", "old"]

    def test_a_value_leads_to_the_tokens_that_know_it(self, store: Store, twin: Store):
        print_ = store.fingerprint(VALUE)
        assert store.holders(print_) == ()
        one = created(store, "one", fingerprint=print_)
        two = created(store, "two", fingerprint=print_)
        assert list(twin.holders(print_)) == sorted([one.id, two.id])
        forgotten = replace(two.document, record=replace(two.document.record, fingerprint=None))
        store.commit(two.id, two.version, forgotten, [])
        assert list(twin.holders(print_)) == [one.id]
        assert twin.holders(store.fingerprint(OTHER)) == ()

    # ---- events

    def test_reading_a_store_of_our_own_passes_nothing_over(self, store: Store) -> None:
        found = created(store)
        assert [each.id for each in store.scan()] == [found.id]
        list(store.trails())
        assert list(store.passed_over()) == []

    def test_events_are_chained_and_the_document_holds_the_head(self, store: Store, twin: Store):
        first = created(store)
        second = store.commit(first.id, 1, first.document, [event(store, Op.VERIFY), event(store, Op.EDIT, why="x")])
        entries = twin.history(first.id)
        assert [entry.seq for entry in entries] == [1, 2, 3]
        assert [entry.event.op for entry in entries] == [Op.ADD, Op.VERIFY, Op.EDIT]
        previous = GENESIS
        for entry in entries:
            assert entry.prev == previous
            assert entry.hash == entry_hash(first.id, entry.seq, previous, entry.event)
            previous = entry.hash
        assert (second.document.chain.seq, second.document.chain.hash) == (3, previous)

    def test_all_trails_are_those_of_each_token_in_the_order_of_names(self, store: Store, twin: Store):
        second, first = created(store, "team/b"), created(store, "team/a")
        store.commit(second.id, 1, second.document, [event(store, Op.VERIFY), event(store, Op.EDIT, why="x")])
        found = list(twin.trails())
        assert [snapshot for snapshot, _ in found] == list(store.scan())
        assert [snapshot.id for snapshot, _ in found] == [first.id, second.id]
        assert [tuple(entries) for _, entries in found] == [tuple(store.history(each.id)) for each in (first, second)]
        assert [len(entries) for _, entries in found] == [1, 3]

    def test_the_callers_idea_of_the_chain_is_replaced_by_the_stored_one(self, store: Store):
        first = created(store)
        forged = replace(first.document, chain=replace(first.document.chain, seq=0, hash=GENESIS))
        second = store.commit(first.id, 1, forged, [event(store, Op.EDIT)])
        assert second.document.chain.seq == 2
        assert len(store.history(first.id)) == 2

    def test_a_lost_commit_leaves_no_event(self, store: Store):
        snapshot = created(store)
        with pytest.raises(Conflict):
            store.commit(snapshot.id, 7, snapshot.document, [event(store, Op.EDIT)])
        assert len(store.history(snapshot.id)) == 1

    def test_a_commit_without_events_is_a_commit(self, store: Store):
        snapshot = created(store)
        assert store.commit(snapshot.id, 1, snapshot.document, []).version == 2
        assert len(store.history(snapshot.id)) == 1

    def test_the_store_has_a_chain_of_its_own(self, store: Store):
        created(store)
        entries = store.history(None)
        assert entries[0].event.op is Op.INIT
        assert entries[0].prev == GENESIS
        assert all(entry.hash == entry_hash("store", entry.seq, entry.prev, entry.event) for entry in entries)

    # ---- values

    def test_a_candidate_is_read_back_by_label(self, store: Store, twin: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        assert twin.read_candidate(token, FIRST) == VALUE
        assert twin.read_candidate(token, SECOND) is None
        assert twin.read_candidate(new_token_id(), FIRST) is None

    def test_a_value_of_several_fields_comes_back_whole(self, store: Store):
        token = created(store).id
        value = Value({"id": Secret("tgcanary-id"), "secret": Secret("tgcanary-ünï-" + "x" * 4000)})
        store.put_candidate(token, FIRST, value)
        store.publish(token, FIRST, 0)
        live = store.read_live(token)
        assert live is not None
        assert live.value == value
        assert live.value.names == ("id", "secret")

    @pytest.mark.parametrize("first", [VALUE, Tombstone(reason="reaped")], ids=["value", "tombstone"])
    @pytest.mark.parametrize("second", [OTHER, VALUE, Tombstone(reason="reaped")], ids=["other", "same", "tombstone"])
    def test_the_first_writer_of_a_slot_decides(
        self, store: Store, twin: Store, first: Value | Tombstone, second: Value | Tombstone
    ):
        token = created(store).id
        store.put_candidate(token, FIRST, first)
        with pytest.raises(Conflict):
            twin.put_candidate(token, FIRST, second)
        assert store.read_candidate(token, FIRST) == first

    def test_a_candidate_is_not_live_until_it_is_published(self, store: Store, twin: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        assert store.read_live(token) is None
        assert store.publish(token, FIRST, 0) == 1
        assert twin.read_live(token) == Live(FIRST, 1, VALUE)

    def test_publishing_is_pinned_to_the_live_version(self, store: Store, twin: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        store.put_candidate(token, SECOND, OTHER)
        store.publish(token, FIRST, 0)
        for pinned in (0, 2):
            with pytest.raises(Conflict):
                twin.publish(token, SECOND, pinned)
        assert twin.read_live(token) == Live(FIRST, 1, VALUE)
        assert twin.publish(token, SECOND, 1) == 2
        assert store.read_live(token) == Live(SECOND, 2, OTHER)

    def test_an_older_value_can_be_made_live_again(self, store: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        store.put_candidate(token, SECOND, OTHER)
        for pinned, label in enumerate((FIRST, SECOND, FIRST)):
            store.publish(token, label, pinned)
        assert store.read_live(token) == Live(FIRST, 3, VALUE)

    def test_neither_an_empty_slot_nor_a_tombstone_becomes_live(self, store: Store):
        token = created(store).id
        store.put_candidate(token, SECOND, Tombstone(reason="reaped"))
        for label in (FIRST, SECOND):
            with pytest.raises(Conflict):
                store.publish(token, label, 0)
        assert store.read_live(token) is None

    def test_withdrawing_leaves_nothing_live_and_moves_the_pin(self, store: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        store.publish(token, FIRST, 0)
        with pytest.raises(Conflict):
            store.withdraw(token, 0)
        store.withdraw(token, 1)
        assert store.read_live(token) is None
        assert store.read_candidate(token, FIRST) == VALUE
        with pytest.raises(Conflict):
            store.publish(token, FIRST, 1)
        assert store.publish(token, FIRST, 2) == 3

    def test_destroying_keeps_the_digest_and_nothing_else(self, store: Store, twin: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        for _ in range(2):
            store.destroy(token, FIRST)
            left = twin.read_candidate(token, FIRST)
            assert isinstance(left, Tombstone)
            assert (left.reason, left.digest) == ("destroyed", VALUE.digest())
        with pytest.raises(Conflict):
            store.put_candidate(token, FIRST, OTHER)

    def test_destroying_an_empty_slot_fences_a_late_writer(self, store: Store):
        token = created(store).id
        store.destroy(token, FIRST)
        with pytest.raises(Conflict):
            store.put_candidate(token, FIRST, VALUE)

    def test_a_tombstone_stays_what_it_was(self, store: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, Tombstone(reason="reaped"))
        store.destroy(token, FIRST)
        assert store.read_candidate(token, FIRST) == Tombstone(reason="reaped")

    def test_what_is_live_cannot_be_destroyed(self, store: Store):
        token = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        store.publish(token, FIRST, 0)
        with pytest.raises(Conflict):
            store.destroy(token, FIRST)
        assert store.read_live(token) == Live(FIRST, 1, VALUE)

    def test_tokens_do_not_share_slots_or_pins(self, store: Store):
        one, two = created(store, "one").id, created(store, "two").id
        store.put_candidate(one, FIRST, VALUE)
        store.put_candidate(two, FIRST, OTHER)
        store.publish(one, FIRST, 0)
        assert store.read_live(two) is None
        assert store.publish(two, FIRST, 0) == 1
        assert store.read_live(two) == Live(FIRST, 1, OTHER)

    # ---- moves

    def test_a_move_is_told_by_every_handle_and_is_in_the_store_s_own_trail(self, store: Store, twin: Store):
        assert store.move() is None
        store.put_move(None, move(), [event(store, Op.MIGRATE, to="local:///elsewhere")])
        assert store.move() == move()
        left = replace(move(), stage=MoveStage.LEFT)
        with pytest.raises(Conflict):
            twin.put_move(None, left, [event(store, Op.MIGRATE)])
        store.put_move(move(), left, [])
        store.put_move(left, None, [event(store, Op.MIGRATE)])
        assert store.move() is None
        entries = store.history(None)
        assert [entry.event.op for entry in entries][-2:] == [Op.MIGRATE, Op.MIGRATE]
        previous = GENESIS
        for seq, entry in enumerate(entries, 1):
            assert (entry.seq, entry.prev) == (seq, previous)
            assert entry.hash == entry_hash("store", seq, previous, entry.event)
            previous = entry.hash

    @pytest.mark.parametrize("stage", [MoveStage.LEAVING, MoveStage.LEFT])
    def test_no_token_comes_to_a_store_that_is_leaving_also_from_a_handle_that_does_not_know(
        self, store: Store, twin: Store, stage: MoveStage
    ):
        there = created(store)
        twin.find(token_name("video/upload"))
        store.put_move(None, replace(move(), stage=stage), [])
        with pytest.raises(Moved) as caught:
            created(twin, "late")
        assert "local:///elsewhere" in str(caught.value)
        assert store.commit(there.id, 1, there.document, []).version == 2

    def test_tokens_come_to_a_store_that_they_arrive_in(self, store: Store):
        store.put_move(None, replace(move(), stage=MoveStage.ARRIVING), [])
        assert created(store).version == 1

    def test_nothing_advances_a_token_that_has_moved(self, store: Store, twin: Store):
        there = created(store)
        gone = store.commit(
            there.id, 1, replace(there.document, moved_to="local:///elsewhere"), [event(store, Op.MIGRATE)]
        )
        edited = replace(gone.document, record=replace(gone.document.record, purpose="late"))
        for late in (gone.document, edited, replace(edited, moved_to="")):
            with pytest.raises(Moved) as caught:
                twin.commit(there.id, gone.version, late, [event(store, Op.EDIT)])
            assert "local:///elsewhere" in str(caught.value)
        assert twin.load(there.id) == gone
        back = store.commit(there.id, gone.version, replace(gone.document, moved_to=""), [event(store, Op.MIGRATE)])
        assert store.commit(there.id, back.version, replace(edited, moved_to=""), []).document.record.purpose == "late"

    def test_a_store_can_know_values_by_another_store_s_key(self, store: Store):
        before = store.fingerprint(VALUE)
        key = FingerprintKey(bytes(range(32)))
        for _ in range(2):
            store.take_fingerprint_key(key)
        assert store.fingerprint_key() == key
        assert store.fingerprint(VALUE) == fingerprint_of(key.data, VALUE) != before
        assert bytes(range(32)).hex() not in repr(key)

    # ---- fingerprints

    def test_a_fingerprint_knows_a_value_again(self, store: Store, twin: Store):
        assert store.fingerprint(VALUE) == twin.fingerprint(Value.of("tgcanary-first"))
        assert store.fingerprint(VALUE) != store.fingerprint(OTHER)
        assert len(bytes.fromhex(store.fingerprint(VALUE))) == 16

    def test_no_error_quotes_a_value(self, store: Store):
        token: TokenId = created(store).id
        store.put_candidate(token, FIRST, VALUE)
        with pytest.raises(Conflict) as caught:
            store.put_candidate(token, FIRST, VALUE)
        name: TokenName = token_name("video/upload")
        assert "tgcanary" not in f"{caught.value} {caught.value.hint} {store.find(name)!r}"
