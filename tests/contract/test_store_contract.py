"""The Store contract over the stores that need no server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.store_suite import StoreContract
from tests.fakes.clock import FakeClock
from tests.fakes.local_stores import made, opened
from tests.fakes.memory_store import MemoryStore
from tokenguard.ports.shared_item import Item, Shared
from tokenguard.ports.store import Store
from tokenguard.stores.local.sealing import RowKind
from tokenguard.stores.local.store import LocalStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore(FakeClock())

    def put_without_a_trail(self, store: MemoryStore, item: Item, data: bytes) -> None:
        store._shared[item] = Shared("1", data)


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
        monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
        store = made(tmp_path / "store")
        yield store
        assert list(store.check()) == []
        store.close()

    @pytest.fixture
    def twin(self, store: LocalStore) -> Iterator[Store]:
        twin = opened(store.session.place.directory)
        yield twin
        twin.close()

    def put_without_a_trail(self, store: LocalStore, item: Item, data: bytes) -> None:
        with store.session.writing() as work:
            work.rows.put(RowKind.SHARED, item, data)
