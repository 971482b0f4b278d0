"""The key side of an embedded store: slots come and go, a rekey leaves nothing under the old key."""

from pathlib import Path

import pytest

from tests.fakes.local_stores import CHEAP, KEY, LABEL, added, edited, everything, made, opened
from tokenguard.domain.event import Op, entry_hash
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import Conflict, InputError, Unreachable, WrongKey
from tokenguard.stores.local import rekey
from tokenguard.stores.local.database import Database
from tokenguard.stores.local.key_slots import SlotKey, SlotKind
from tokenguard.stores.local.recovery_words import new_recovery_code
from tokenguard.stores.local.store import LocalStore

SECOND = SlotKey.key_file(b"2" * 32)
PHRASE = SlotKey.passphrase(Secret("tgcanary passphrase"), CHEAP)


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return made(tmp_path / "store")


def home(store: LocalStore) -> Path:
    return store.session.place.directory


def own_events(store: LocalStore) -> list[tuple[Op, str | int | bool | None]]:
    return [(entry.event.op, entry.event.detail.get("result")) for entry in store.history(None)]


def test_init_tells_which_slots_it_made(store: LocalStore):
    assert own_events(store) == [(Op.INIT, None), (Op.KEY_SLOT, "added")]
    assert [slot.kind for slot in store.slots()] == [SlotKind.KEY_FILE]


def test_an_added_slot_opens_and_a_removed_one_does_not(store: LocalStore):
    added(store, "video/upload")
    slot = store.add_slot(SECOND)
    content = everything(opened(home(store), SECOND))
    assert content == everything(store)
    store.remove_slot(slot.id)
    with pytest.raises(WrongKey):
        opened(home(store), SECOND)
    assert own_events(store)[-2:] == [(Op.KEY_SLOT, "added"), (Op.KEY_SLOT, "removed")]
    assert list(store.check()) == []


def test_the_last_slot_stays(store: LocalStore):
    with pytest.raises(InputError, match="last"):
        store.remove_slot(store.slots()[0].id)
    with pytest.raises(InputError, match="no such"):
        store.remove_slot("0" * 16)
    assert len(store.slots()) == 1
    assert len(own_events(store)) == 2


def test_a_key_that_opens_the_store_gets_no_second_slot(store: LocalStore):
    for key in (SECOND, PHRASE, SlotKey.recovery(new_recovery_code())):
        slot = store.add_slot(key)
        with pytest.raises(InputError, match=f"already, as slot {slot.id}"):
            store.add_slot(key)
    assert len(store.slots()) == 4


def test_a_key_keeps_its_identity_after_its_slot_was_removed_and_in_another_kind(store: LocalStore):
    slot = store.add_slot(SECOND)
    with pytest.raises(InputError, match="already"):
        store.add_slot(SlotKey.keyring(bytes.fromhex(SECOND.secret.reveal()), "an account"))
    store.remove_slot(slot.id)
    assert store.add_slot(SECOND).id == slot.id


def test_there_is_an_end_to_slots(store: LocalStore):
    for number in range(15):
        store.add_slot(SlotKey.key_file(bytes([number]) * 32))
    with pytest.raises(InputError, match="at most"):
        store.add_slot(SECOND)
    assert len(opened(home(store)).slots()) == 16


def test_a_rekey_changes_every_byte_that_was_sealed_and_nothing_that_is_read(store: LocalStore):
    token = added(store, "video/upload")
    fingerprint = store.fingerprint(Value.of("tgcanary-value-1"))
    content, before = everything(store)[1:], (home(store) / "store.db").read_bytes()
    with store.session.database.reading() as connection:
        sealed = [row[0] for row in connection.execute("SELECT sealed FROM body UNION ALL SELECT wrapped FROM slot")]
    assert all(row in before for row in sealed if len(row) < 1000)
    report = store.rekey([KEY])
    assert [slot.kind for slot in report.kept] == [SlotKind.KEY_FILE]
    assert report.dropped == ()
    after = (home(store) / "store.db").read_bytes()
    assert all(row[:64] not in after for row in sealed)
    for handle in (store, opened(home(store))):
        assert everything(handle)[1:] == content
        assert handle.fingerprint(Value.of("tgcanary-value-1")) == fingerprint
        assert list(handle.check()) == []
    edited(store, store.load(token))
    assert own_events(store)[-1] == (Op.REKEY, None)


def test_the_old_data_key_opens_nothing_after_a_rekey(store: LocalStore):
    old = store.session.sealer.keys
    store.rekey([KEY])
    new = store.session.sealer.keys
    assert (
        len({old.data, old.rows, old.tags, old.tree, old.id} | {new.data, new.rows, new.tags, new.tree, new.id}) == 10
    )


def test_slots_whose_secret_is_not_at_hand_are_dropped_and_reported(store: LocalStore):
    code = new_recovery_code()
    phrase, recovery = store.add_slot(PHRASE), store.add_slot(SlotKey.recovery(code))
    report = store.rekey([KEY, PHRASE])
    assert {slot.id for slot in report.dropped} == {recovery.id}
    assert phrase.id in {slot.id for slot in report.kept}
    with pytest.raises(WrongKey):
        opened(home(store), SlotKey.recovery(code))
    assert everything(opened(home(store), PHRASE)) == everything(store)
    kept = next(slot for slot in store.slots() if slot.kind is SlotKind.PASSPHRASE)
    assert kept.params.cost == CHEAP
    assert own_events(store)[-2:] == [(Op.REKEY, None), (Op.KEY_SLOT, "dropped")]
    assert list(store.check()) == []


def test_a_rekey_never_leaves_a_store_without_a_slot(store: LocalStore, words):
    for keys in ([], [SECOND], [PHRASE]):
        with pytest.raises(InputError) as caught:
            store.rekey(keys)
        words(caught.value)
    assert everything(opened(home(store))) == everything(store)


def test_a_process_that_had_the_store_open_is_told_about_a_rekey(store: LocalStore):
    other = opened(home(store))
    store.rekey([KEY])
    for use in (lambda: list(other.scan()), lambda: added(other, "video/upload")):
        with pytest.raises(Unreachable, match="key was changed") as caught:
            use()
        assert "again" in caught.value.hint


def test_a_rekey_that_cannot_compact_the_file_is_a_rekey_all_the_same(store: LocalStore, monkeypatch):
    def full(_self: object):
        raise Unreachable("the disk is full", hint="make room")

    monkeypatch.setattr(Database, "compact", full)
    with store.session.database.reading() as connection:
        sealed = [row[0] for row in connection.execute("SELECT sealed FROM body")]
    assert store.rekey([KEY]).dropped == ()
    after = (home(store) / "store.db").read_bytes()
    assert all(row[:64] not in after for row in sealed)
    assert list(opened(home(store)).check()) == []


def test_slots_that_change_during_a_rekey_are_a_conflict(store: LocalStore, monkeypatch: pytest.MonkeyPatch):
    rewrapped, other = rekey._rewrapped, opened(home(store))

    def slowly(*arguments):
        other.add_slot(SECOND)
        return rewrapped(*arguments)

    monkeypatch.setattr(rekey, "_rewrapped", slowly)
    with pytest.raises(Conflict):
        store.rekey([KEY])
    assert len(opened(home(store)).slots()) == 2


def test_the_stores_own_chain_holds_through_everything(store: LocalStore):
    store.add_slot(SECOND)
    store.rekey([KEY, SECOND])
    store.remove_slot(store.slots()[-1].id)
    entries = store.history(None)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert all(entry.hash == entry_hash("store", entry.seq, entry.prev, entry.event) for entry in entries)


def test_rows_of_every_kind_survive_a_rekey(store: LocalStore):
    one, two = added(store, "one"), added(store, "two", "tgcanary-other")
    store.withdraw(two, 1)
    store.destroy(two, LABEL)
    tombstone, content = store.read_candidate(two, LABEL), everything(store)[1:]
    store.rekey([KEY])
    again = opened(home(store))
    assert again.read_candidate(two, LABEL) == tombstone
    assert everything(again)[1:] == content
    assert again.publish(one, LABEL, 1) == 2
