"""A Store in memory: the reference of the contract suite, and the world that rotation tests break."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

from tokenguard.domain.document import Document, Snapshot, check_still_here, decode, encode
from tokenguard.domain.event import STORE_CHAIN, Actor, ChainedEvent, ChainHead, Event, Op, extend
from tokenguard.domain.fingerprint import Fingerprint, FingerprintKey, fingerprint_of
from tokenguard.domain.migration_status import Move, check_may_come
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Value
from tokenguard.frozen import replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.shared_item import Item, Shared
from tokenguard.ports.store import HeldValues, Live, Stray, Tombstone
from tokenguard.stores.held_values import StoredValues
from tokenguard.stores.refusals import (
    live_moved,
    move_changed,
    name_taken,
    no_such_token,
    shared_changed,
    slot_taken,
    slot_without_value,
    still_live,
    token_changed,
)

_read = lru_cache(maxsize=256)(decode)
"""A document cannot be changed, so that whoever reads the same bytes may have the same one."""


class MemoryStore:
    url = "memory://"

    def __init__(self, clock: Clock) -> None:
        self.store_id = os.urandom(16).hex()
        self._key = FingerprintKey(os.urandom(32))
        self._move: Move | None = None
        self._documents: dict[TokenId, tuple[int, bytes]] = {}
        self._entries: dict[str, list[ChainedEvent]] = {}
        self._slots: dict[tuple[TokenId, Label], Value | Tombstone] = {}
        self._live: dict[TokenId, tuple[int, Label | None]] = {}
        self._shared: dict[Item, Shared] = {}
        _, entries = extend(STORE_CHAIN, ChainHead(), [Event(at=clock.now(), op=Op.INIT, actor=self.actor())])
        self._entries[STORE_CHAIN] = list(entries)

    @property
    def shared_items(self) -> "MemoryStore":
        return self

    def read(self, item: Item) -> Shared | None:
        return self._shared.get(item)

    def write(self, item: Item, data: bytes, revision: str, events: Sequence[Event]) -> Shared:
        there = self._shared.get(item)
        if revision != (there.revision if there else ""):
            raise shared_changed(item)
        head, entries = extend(item.chain, there.chain if there else ChainHead(), events)
        self._entries.setdefault(item.chain, []).extend(entries)
        self._shared[item] = Shared(str(int(revision or 0) + 1), data, head)
        return self._shared[item]

    def trail(self, item: Item) -> tuple[Shared, Sequence[ChainedEvent]] | None:
        there = self._shared.get(item)
        return None if there is None else (there, tuple(self._entries.get(item.chain, ())))

    def actor(self) -> Actor:
        return Actor(id="user:tester", host="testhost")

    def fingerprint(self, value: Value) -> Fingerprint:
        return fingerprint_of(self._key.data, value)

    def find(self, name: TokenName) -> Snapshot | None:
        return next((snapshot for snapshot in self.scan() if snapshot.document.record.name == name), None)

    def holders(self, fingerprint: Fingerprint) -> Sequence[TokenId]:
        return tuple(sorted(found.id for found in self.scan() if fingerprint in found.document.fingerprints))

    def passed_over(self) -> Sequence[Stray]:
        return ()

    def load(self, token: TokenId) -> Snapshot:
        if token not in self._documents:
            raise no_such_token()
        version, data = self._documents[token]
        return Snapshot(id=token, version=version, document=_read(data))

    def scan(self) -> Iterator[Snapshot]:
        return iter(sorted(map(self.load, self._documents), key=lambda snapshot: snapshot.document.record.name))

    def commit(self, token: TokenId, expected: int, document: Document, events: Sequence[Event]) -> Snapshot:
        version, data = self._documents.get(token, (0, b""))
        if version != expected:
            raise token_changed()
        if data:
            check_still_here(_read(data), document)
        else:
            check_may_come(self._move, self.url)
        holder = self.find(document.record.name)
        if holder is not None and holder.id != token:
            raise name_taken()
        head, entries = extend(token, _read(data).chain if data else ChainHead(), events)
        self._entries.setdefault(token, []).extend(entries)
        self._documents[token] = (version + 1, encode(replace(document, chain=head)))
        return self.load(token)

    def batch(self) -> AbstractContextManager[bool]:
        return nullcontext(False)

    def history(self, token: TokenId | None) -> Sequence[ChainedEvent]:
        return tuple(self._entries.get(token or STORE_CHAIN, ()))

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        return ((snapshot, self.history(snapshot.id)) for snapshot in self.scan())

    def move(self) -> Move | None:
        return self._move

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> None:
        if self._move != expected:
            raise move_changed()
        last = self._entries[STORE_CHAIN][-1]
        _, entries = extend(STORE_CHAIN, ChainHead(last.seq, last.hash), events)
        self._entries[STORE_CHAIN] += entries
        self._move = move

    def fingerprint_key(self) -> FingerprintKey:
        return self._key

    def take_fingerprint_key(self, key: FingerprintKey) -> None:
        self._key = key

    def put_candidate(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        if (token, label) in self._slots:
            raise slot_taken()
        self._slots[token, label] = content

    def read_candidate(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        return self._slots.get((token, label))

    def read_live(self, token: TokenId) -> Live | None:
        version, label = self._live.get(token, (0, None))
        if label is None:
            return None
        value = self._slots[token, label]
        assert isinstance(value, Value)
        return Live(label, version, value)

    def holdings(self) -> Iterator[tuple[Snapshot, HeldValues]]:
        return ((snapshot, StoredValues(self, snapshot.id)) for snapshot in self.scan())

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        version, _ = self._live.get(token, (0, None))
        if version != pinned:
            raise live_moved()
        if not isinstance(self._slots.get((token, label)), Value):
            raise slot_without_value()
        self._live[token] = (version + 1, label)
        return version + 1

    def withdraw(self, token: TokenId, pinned: int) -> None:
        version, _ = self._live.get(token, (0, None))
        if version != pinned:
            raise live_moved()
        self._live[token] = (version + 1, None)

    def destroy(self, token: TokenId, label: Label) -> None:
        if self._live.get(token, (0, None))[1] == label:
            raise still_live()
        content = self._slots.get((token, label))
        if isinstance(content, Value):
            self._slots[token, label] = Tombstone(reason="destroyed", digest=content.digest())
        elif content is None:
            self._slots[token, label] = Tombstone(reason="destroyed")
