"""The Store contract on the strict Secrets Manager, by a real boto3 client."""

import zlib

import pytest

from tests.contract.store_suite import StoreContract
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS, made, opened
from tokenguard.clients.aws.secrets import new_version
from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Store
from tokenguard.stores.aws.projection import STORE
from tokenguard.stores.aws.store import AwsStore


@pytest.fixture
def aws(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return fake_aws


class TestAwsStore(StoreContract):
    @pytest.fixture
    def store(self, aws: FakeAws) -> Store:
        return made(aws)

    @pytest.fixture
    def twin(self, aws: FakeAws, store: Store) -> Store:
        return opened(aws)

    def put_without_a_trail(self, store: AwsStore, item: Item, data: bytes) -> None:
        store.secrets.create(store.place.shared(item), new_version(), zlib.compress(data), {STORE: store.store_id})
