"""Embedded stores for tests: quick to open, all on one key file, their anchors beside them."""

from datetime import UTC, datetime
from pathlib import Path

from tests.fakes.clock import FakeClock
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Actor, Event, Op
from tokenguard.domain.names import Label, TokenId, new_token_id, token_name
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.frozen import replace
from tokenguard.stores.local.key_slots import Cost, SlotKey
from tokenguard.stores.local.store import LocalStore, create_store, open_store

KEY = SlotKey.key_file(bytes(range(32)))
CHEAP = Cost(memory_kib=19 << 10, passes=2, lanes=1)
"""The least that the floors allow."""
LABEL = Label("upload-abcdefgh-1")


def made(directory: Path, *keys: SlotKey) -> LocalStore:
    return create_store(directory, keys or (KEY,), FakeClock())


def opened(directory: Path, key: SlotKey = KEY) -> LocalStore:
    return open_store(directory, lambda _slots: key, FakeClock())


def document(name: str, **record: object) -> Document:
    return Document(record=Record(name=token_name(name), provider="descript", **record))


def event(op: Op = Op.ADD, **detail: str | int | bool) -> Event:
    return Event(at=datetime(2026, 11, 1, tzinfo=UTC), op=op, actor=Actor(id="user:tester"), detail=detail)


def added(store: LocalStore, name: str, value: str = "tgcanary-value-1") -> TokenId:
    """A token with two documents' history, one live value: what `add` leaves."""
    token = new_token_id()
    snapshot = store.commit(token, 0, document(name), [event(Op.ADD)])
    store.put_candidate(token, LABEL, Value.of(value))
    store.publish(token, LABEL, 0)
    edited(store, snapshot)
    return token


def edited(store: LocalStore, snapshot: Snapshot, purpose: str = "uploads") -> Snapshot:
    record = replace(snapshot.document.record, purpose=purpose)
    return store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [event(Op.EDIT)])


def everything(store: LocalStore) -> list[object]:
    """All that can be read of a store, values as digests, so that two moments can be compared."""
    found: list[object] = [store.history(None)]
    for snapshot in store.scan():
        live = store.read_live(snapshot.id)
        found += [snapshot, store.history(snapshot.id), live and (live.label, live.version, live.value.digest())]
    return found
