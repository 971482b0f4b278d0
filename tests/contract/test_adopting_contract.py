"""The Store contract over a store that reads adopted values elsewhere: for all other records nothing is different."""

import pytest

from tests.contract.store_suite import StoreContract
from tests.fakes.clock import FakeClock
from tests.fakes.memory_places import MemoryPlaces
from tests.fakes.memory_store import MemoryStore
from tokenguard.ports.shared_item import Item, Shared
from tokenguard.ports.store import Store, underlying_store
from tokenguard.stores.adopted import adopting


class TestAdoptingStore(StoreContract):
    @pytest.fixture
    def home(self) -> MemoryStore:
        return MemoryStore(FakeClock())

    @pytest.fixture
    def store(self, home: MemoryStore) -> Store:
        return adopting(home, MemoryPlaces)

    def put_without_a_trail(self, store: Store, item: Item, data: bytes) -> None:
        underlying_store(store)._shared[item] = Shared("1", data)

    @pytest.fixture
    def twin(self, home: MemoryStore) -> Store:
        return adopting(home, MemoryPlaces)
