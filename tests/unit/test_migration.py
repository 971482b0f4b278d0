"""Moving a store: what goes along, what is refused, and what is noticed when either store is not as it should be."""

from datetime import timedelta

import pytest

from tests.contract.shelf_suite import share
from tests.fakes.clock import FakeClock
from tests.fakes.local_stores import added, document, event
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import Quiet
from tokenguard.audit.chain import check_all
from tokenguard.domain.document import Snapshot, check_still_here
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.migration_status import Move, MoveStage, refusal
from tokenguard.domain.names import Label, new_token_id
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import CredentialKind, Custody, Location, RecordState
from tokenguard.errors import Conflict, InputError, Moved, Tampered, Unreachable
from tokenguard.frozen import replace
from tokenguard.migration.migration_plan import plan_move
from tokenguard.migration.move_store import abort_move, check_ends, has_moved, move_store
from tokenguard.ports.shared_item import Item, Shared, shared_items_of
from tokenguard.ports.store import Tombstone

OLD, NEW = "local:///old", "local:///new"


class Ends:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.old, self.new = self.store(OLD), self.store(NEW)
        self.told = Quiet()

    def store(self, url: str) -> MemoryStore:
        made = MemoryStore(self.clock)
        made.url = url
        return made

    def move(self, *, lag: timedelta = timedelta(0)) -> None:
        move_store(self.old, self.new, self.clock, self.told, lag=lag)

    def trails_hold(self) -> bool:
        return not any(each.broken for store in (self.old, self.new) for each in check_all(store))


@pytest.fixture
def ends() -> Ends:
    return Ends()


def test_an_empty_store_moves(ends: Ends):
    ends.move()
    assert has_moved(ends.old, ends.new)
    assert refusal(ends.new.move(), NEW) is None
    assert NEW in str(refusal(ends.old.move(), OLD))


def test_trails_records_values_and_tombstones_arrive_as_they_are(ends: Ends):
    token = added(ends.old, "video/upload")
    ends.old.put_candidate(
        token, Label("upload-x-2"), Value({"id": Secret("tgcanary-id"), "secret": Secret("tgcanary-s")})
    )
    labels = {"label": "upload-x-2"}, {"label": "upload-x-3"}
    there = ends.old.load(token)
    there = ends.old.commit(token, there.version, there.document, [event(Op.MINT, **each) for each in labels])
    stored = Tombstone(reason="destroyed", digest=b"d" * 32)
    ends.old.put_candidate(token, Label("upload-x-3"), stored)
    valueless = replace(document("a/grant").record, kind=CredentialKind.OAUTH_GRANT, location=Location(Custody.NONE))
    ends.old.commit(new_token_id(), 0, replace(document("a/grant"), record=valueless), [event()])
    retired = replace(document("a/dead").record, state=RecordState.RETIRED)
    ends.old.commit(new_token_id(), 0, replace(document("a/dead"), record=retired), [event()])
    before = {snapshot.id: (snapshot.document, ends.old.history(snapshot.id)) for snapshot in ends.old.scan()}
    assert plan_move(ends.old, NEW).tokens == 3
    assert (plan_move(ends.old, NEW).retired, plan_move(ends.old, NEW).elsewhere) == (1, 1)
    ends.move()
    after = {snapshot.id: snapshot for snapshot in ends.new.scan()}
    assert after.keys() == before.keys()
    for each, (was, trail) in before.items():
        assert replace(after[each].document, chain=was.chain) == was
        assert ends.new.history(each)[: len(trail)] == trail
        assert [(e.event.op, e.event.phase) for e in ends.new.history(each)[len(trail) :]] == [
            (Op.MIGRATE, Phase.INTENT), (Op.MIGRATE, Phase.OUTCOME),
        ]  # fmt: skip
        assert ends.old.load(each).document.moved_to == NEW
    assert ends.new.read_live(token) == ends.old.read_live(token)
    assert ends.new.read_candidate(token, Label("upload-x-2")) == ends.old.read_candidate(token, Label("upload-x-2"))
    assert ends.new.read_candidate(token, Label("upload-x-3")) == stored
    assert ends.new.fingerprint(Value.of("tgcanary-x")) == ends.old.fingerprint(Value.of("tgcanary-x"))
    assert ends.trails_hold()


def test_what_the_team_shares_goes_along_with_its_trail(ends: Ends):
    share(ends.old, Item.FINGERPRINTS, b"bundle", times=40)
    ends.old._shared[Item.POLICY] = Shared("1", b"{}")  # published before trails were kept
    _, trail = shared_items_of(ends.old).trail(Item.FINGERPRINTS)
    assert plan_move(ends.old, NEW).shared == ("fingerprints", "policy")
    assert plan_move(ends.old, NEW).entries == 40
    ends.move()
    for item, data, before in ((Item.FINGERPRINTS, b"bundle", trail), (Item.POLICY, b"{}", ())):
        shared, entries = shared_items_of(ends.new).trail(item)
        assert (shared.data, entries[:-1]) == (data, tuple(before))
        assert (entries[-1].event.op, entries[-1].event.phase) == (Op.MIGRATE, Phase.INTENT)
        assert shared_items_of(ends.old).trail(item)[1] == entries
    assert shared_items_of(ends.new).read(Item.SCAN_KEY) is None
    assert ends.trails_hold()


def test_what_the_new_store_cannot_hold_stays_and_its_trail_says_so(ends: Ends, monkeypatch):
    share(ends.old, Item.FINGERPRINTS, b"bundle")
    share(ends.old, Item.SCAN_KEY, b"key")
    real = MemoryStore.write

    def write(store, item, *arguments):
        if store is ends.new and item is Item.FINGERPRINTS:
            raise InputError("it is too large for one place", hint="publish it elsewhere")
        return real(store, item, *arguments)

    monkeypatch.setattr(MemoryStore, "write", write)
    ends.move()
    assert shared_items_of(ends.new).read(Item.SCAN_KEY).data == b"key"
    assert shared_items_of(ends.new).read(Item.FINGERPRINTS) is None
    assert "! fingerprints stays behind: it is too large for one place" in ends.told.lines
    last = shared_items_of(ends.old).trail(Item.FINGERPRINTS)[1][-1].event
    assert (last.phase, last.detail["result"]) == (Phase.OUTCOME, "left behind")
    assert ends.trails_hold()


@pytest.mark.parametrize("stops_at", range(1, 8))
def test_a_move_that_stops_at_any_write_of_what_is_shared_goes_on(ends: Ends, monkeypatch, stops_at: int):
    share(ends.old, Item.FINGERPRINTS, b"bundle", times=40)
    share(ends.old, Item.POLICY, b"{}")
    real, writes = MemoryStore.write, []

    def write(*arguments):
        writes.append(real(*arguments))
        if len(writes) == stops_at:
            raise Unreachable("the connection broke", hint="")
        return writes[-1]

    monkeypatch.setattr(MemoryStore, "write", write)
    if stops_at <= 3 + 1 + 2:  # 41 entries in parts of 16, two of the other item, and an intent of each
        with pytest.raises(Unreachable):
            ends.move()
        share(ends.old, Item.POLICY, b"{newer}")  # a publisher that stood still meanwhile
    ends.move()
    assert len(shared_items_of(ends.new).trail(Item.FINGERPRINTS)[1]) == 41
    assert shared_items_of(ends.new).trail(Item.POLICY)[1] == shared_items_of(ends.old).trail(Item.POLICY)[1]
    assert shared_items_of(ends.new).read(Item.POLICY).data == shared_items_of(ends.old).read(Item.POLICY).data
    assert ends.trails_hold()


def test_a_shared_item_s_trail_that_does_not_hold_stops_the_move(ends: Ends, words):
    share(ends.old, Item.POLICY, b"{}", times=3)
    del ends.old._entries["shared/policy"][1]
    with pytest.raises(Tampered) as caught:
        ends.move()
    words(caught.value)
    assert ends.old.move().stage is MoveStage.LEAVING


def test_what_somebody_else_shares_at_the_new_home_is_never_replaced(ends: Ends, monkeypatch, words):
    share(ends.old, Item.POLICY, b"{}")
    taken = ends.store("local:///taken")
    share(taken, Item.POLICY, b"{theirs}")
    with pytest.raises(InputError, match="not empty"):
        check_ends(ends.old, taken)
    real = MemoryStore.take_fingerprint_key
    monkeypatch.setattr(
        MemoryStore, "take_fingerprint_key", lambda store, key: (real(store, key), share(store, Item.POLICY, b"x"))[0]
    )
    with pytest.raises(Tampered) as caught:
        ends.move()
    words(caught.value)
    assert shared_items_of(ends.new).read(Item.POLICY).data == b"x"


def test_a_long_trail_arrives_in_parts(ends: Ends):
    token = added(ends.old, "video/upload")
    for number in range(3):
        there = ends.old.load(token)
        ends.old.commit(token, there.version, there.document, [event(Op.VERIFY, n=number) for _ in range(70)])
    ends.move()
    assert len(ends.new.history(token)) == 2 + 210 + 2
    assert ends.new.load(token).version >= 5
    assert ends.trails_hold()


def test_both_ends_say_so_before_and_after(ends: Ends):
    added(ends.old, "a")
    ends.move()
    for store, other in ((ends.old, {"to": NEW}), (ends.new, {"from": OLD})):
        intent, outcome = (entry.event for entry in store.history(None)[-2:])
        assert (intent.op, intent.phase, outcome.phase) == (Op.MIGRATE, Phase.INTENT, Phase.OUTCOME)
        assert other.items() <= intent.detail.items()
        assert other.items() <= outcome.detail.items()


def test_a_token_made_at_the_last_moment_goes_along(ends: Ends, monkeypatch):
    added(ends.old, "a")
    real = MemoryStore.publish

    def publish(store, token, label, pinned):
        if store is ends.new and not ends.old.find("late"):
            ends.old._move, kept = None, ends.old._move  # a runner that looked before the move was written
            added(ends.old, "late")
            ends.old._move = kept
        return real(store, token, label, pinned)

    monkeypatch.setattr(MemoryStore, "publish", publish)
    ends.move()
    assert ends.new.find("late") is not None


def test_a_listing_that_lags_is_waited_for(ends: Ends):
    ends.move(lag=timedelta(minutes=5))
    assert ends.clock.elapsed == 300


def test_a_runner_that_is_at_work_only_makes_us_try_again(ends: Ends, monkeypatch):
    token = added(ends.old, "a")
    real, raced = MemoryStore.commit, []

    def commit(store, token_, expected, document_, events):
        if store is ends.old and document_.moved_to and not raced:
            raced.append(real(store, token_, expected, store.load(token_).document, [event(Op.VERIFY)]))
        return real(store, token_, expected, document_, events)

    monkeypatch.setattr(MemoryStore, "commit", commit)
    ends.move()
    assert Op.VERIFY in [entry.event.op for entry in ends.new.history(token)]


def test_a_value_that_was_destroyed_meanwhile_is_destroyed_at_the_new_home_too(ends: Ends, monkeypatch):
    token = added(ends.old, "a")
    second = Label("a-x-2")
    ends.old.put_candidate(token, second, Value.of("tgcanary-second"))
    there = ends.old.load(token)
    ends.old.commit(token, there.version, there.document, [event(Op.STORE, label=second)])
    real = MemoryStore.publish

    def publish(store, token_, label, pinned):
        ends.old.destroy(token, second)
        return real(store, token_, label, pinned)

    monkeypatch.setattr(MemoryStore, "publish", publish)
    ends.move()
    assert isinstance(ends.new.read_candidate(token, second), Tombstone)


def test_a_new_store_that_forgets_what_it_took_is_never_moved_into(ends: Ends, monkeypatch, words):
    token = added(ends.old, "a")
    monkeypatch.setattr(
        MemoryStore,
        "read_live",
        lambda store, each, real=MemoryStore.read_live: None if store is ends.new else real(store, each),
    )
    monkeypatch.setattr(MemoryStore, "publish", lambda *_: 1)
    with pytest.raises(Unreachable) as caught:
        ends.move()
    words(caught.value)
    assert ends.old.move().stage is MoveStage.LEAVING
    monkeypatch.undo()
    ends.move()
    assert ends.new.read_live(token) is not None


def test_a_trail_that_does_not_hold_stops_the_move_and_it_can_be_taken_back(ends: Ends, words):
    token = added(ends.old, "a")
    entries = ends.old._entries[token]
    entries[0] = replace(entries[0], event=replace(entries[0].event, op=Op.EDIT))
    with pytest.raises(Tampered) as caught:
        ends.move()
    words(caught.value)
    assert abort_move(ends.old, ends.clock, ends.told) == 1
    assert ends.old.move() is None
    assert not ends.old.load(token).document.moved_to


def test_what_a_mover_marks_after_the_move_was_taken_back_is_freed_by_taking_it_back_again(ends: Ends, monkeypatch):
    added(ends.old, "a")
    added(ends.old, "b")
    real = MemoryStore.publish

    def publish(store, *arguments):
        monkeypatch.setattr(MemoryStore, "publish", real)
        abort_move(ends.old, ends.clock, ends.told)  # somebody else, while this one is at the first token
        return real(store, *arguments)

    monkeypatch.setattr(MemoryStore, "publish", publish)
    with pytest.raises(Unreachable):
        ends.move()
    assert ends.old.move() is None
    stuck = ends.old.find("b")
    with pytest.raises(Moved) as caught:
        ends.old.commit(stuck.id, stuck.version, stuck.document, [])
    assert "migrate --abort" in caught.value.hint
    assert abort_move(ends.old, ends.clock, ends.told) == 1
    assert refusal(ends.new.move(), NEW) is not None, "the new store never opened"
    assert ends.trails_hold()


def test_somebody_else_s_token_of_that_name_at_the_new_home_is_noticed(ends: Ends, monkeypatch, words):
    added(ends.old, "a")
    real = MemoryStore.take_fingerprint_key
    monkeypatch.setattr(
        MemoryStore, "take_fingerprint_key", lambda store, key: (real(store, key), added(store, "a"))[0]
    )
    with pytest.raises(Tampered) as caught:
        ends.move()
    words(caught.value)


@pytest.mark.parametrize("content", [Value.of("tgcanary-other"), Tombstone(reason="destroyed")])
def test_another_value_under_a_label_at_the_new_home_is_noticed(ends: Ends, monkeypatch, content, words):
    token = added(ends.old, "a")
    real = MemoryStore.commit

    def commit(store, *arguments):
        made: Snapshot = real(store, *arguments)
        if store is ends.new and (token, Label("upload-abcdefgh-1")) not in store._slots:
            store._slots[token, Label("upload-abcdefgh-1")] = content
        return made

    monkeypatch.setattr(MemoryStore, "commit", commit)
    with pytest.raises(Tampered) as caught:
        ends.move()
    words(caught.value)
    assert "tgcanary" not in "".join(ends.told.lines)


def test_what_cannot_be_an_end_of_a_move_is_refused(ends: Ends, words):
    third = ends.store("local:///third")
    with pytest.raises(InputError) as caught:
        check_ends(ends.old, ends.old)
    words(caught.value)
    added(third, "x")
    with pytest.raises(InputError, match="not empty"):
        check_ends(ends.old, third)
    ends.move()
    with pytest.raises(Moved, match=f"moved to {NEW}"):
        check_ends(ends.old, third)
    with pytest.raises(Moved, match=f"moved to {NEW}"):
        check_ends(third, ends.old)
    check_ends(ends.old, ends.new)


def test_a_store_that_arrived_can_move_on(ends: Ends):
    token = added(ends.old, "a")
    ends.move()
    third = ends.store("local:///third")
    move_store(ends.new, third, ends.clock, ends.told, lag=timedelta(0))
    assert third.read_live(token) == ends.old.read_live(token)
    assert [entry.event.op for entry in third.history(token)].count(Op.MIGRATE) == 4
    with pytest.raises(Moved, match="local:///third"):
        check_ends(ends.old, ends.new)


def test_two_movers_at_once_decide_by_compare_and_set(ends: Ends, monkeypatch, words):
    added(ends.old, "a")
    third = ends.store("local:///third")
    real = MemoryStore.put_move

    def put_move(store, expected, move, events):
        if store is ends.old and expected is None and move.other == NEW:
            monkeypatch.setattr(MemoryStore, "put_move", real)
            move_store(ends.old, third, ends.clock, ends.told, lag=timedelta(0))
        real(store, expected, move, events)

    monkeypatch.setattr(MemoryStore, "put_move", put_move)
    with pytest.raises(Conflict):
        ends.move()
    assert ends.old.move().other == "local:///third"
    assert list(ends.new.scan()) == []
    with pytest.raises(Moved) as caught:
        raise refusal(ends.new.move(), NEW)
    words(caught.value)


@pytest.mark.parametrize(
    "address", ["vault://kv/x; rm -rf ~", "vault://kv/`id`", "$(id)", "https://x/", "local:///a b", "\x1b[2J", ""]
)
def test_an_address_that_somebody_planted_is_not_offered_for_pasting(address: str):
    there = Move(id="c" * 32, stage=MoveStage.LEAVING, other=address, other_id="d" * 32, since=FakeClock().now())
    for stage in MoveStage:
        refused = refusal(replace(there, stage=stage), OLD)
        assert refused is None or not address or address not in refused.message + refused.hint
    moved = replace(document("a"), moved_to=address or "x")
    with pytest.raises(Moved) as caught:
        check_still_here(moved, moved)
    assert not address or address not in caught.value.message + caught.value.hint


def test_what_is_decided_is_not_taken_back(ends: Ends):
    with pytest.raises(InputError, match="no migration"):
        abort_move(ends.old, ends.clock, ends.told)
    ends.move()
    with pytest.raises(InputError, match="is complete"):
        abort_move(ends.old, ends.clock, ends.told)
    with pytest.raises(InputError, match="no migration"):
        abort_move(ends.new, ends.clock, ends.told)


def test_an_earlier_value_that_the_old_store_serves_is_not_carried_over(ends: Ends):
    token = added(ends.old, "video/upload")
    there = ends.old.load(token)
    live = ends.old.read_live(token)
    assert live is not None
    known = replace(there.document, record=replace(there.document.record, fingerprint=ends.old.fingerprint(live.value)))
    ends.old.commit(token, there.version, known, [event()])
    read_live = ends.old.read_live
    ends.old.read_live = lambda token: replace(read_live(token), value=Value.of("tgcanary-an-earlier-one"))
    with pytest.raises(Tampered) as caught:
        ends.move()
    assert "video/upload" in caught.value.message
    assert not list(ends.new.scan())
    ends.old.read_live = read_live
    ends.move()
    assert has_moved(ends.old, ends.new)
