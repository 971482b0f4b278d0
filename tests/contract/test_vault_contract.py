"""The Store contract over a real OpenBao: with its listing of versions, and as on a Vault that has none."""

import base64
import zlib
from collections.abc import Iterator

import pytest

from tests.contract.store_suite import StoreContract
from tests.fakes import vault_stores
from tests.integration.openbao import OpenBao
from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.ports.shared_item import Item
from tokenguard.ports.store import Store
from tokenguard.stores.vault.codec import pack
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.shared_items import _Packed
from tokenguard.stores.vault.store import VaultStore


@pytest.fixture
def place(request: pytest.FixtureRequest, openbao: OpenBao) -> VaultAddress:
    return VaultAddress(mount="secret", prefix=f"tg/{abs(hash(request.node.nodeid)):x}")


class TestOpenBaoStore(StoreContract):
    @pytest.fixture
    def store(self, openbao: OpenBao, place: VaultAddress) -> Iterator[Store]:
        store = vault_stores.made(place, vault_stores.connection(openbao.url, openbao.root_token))
        yield store
        store.close()

    @pytest.fixture
    def twin(self, openbao: OpenBao, place: VaultAddress, store: Store) -> Iterator[Store]:
        twin = vault_stores.opened(place, vault_stores.connection(openbao.url, openbao.root_token))
        yield twin
        twin.close()

    def put_without_a_trail(self, store: VaultStore, item: Item, data: bytes) -> None:
        text = base64.b64encode(zlib.compress(data)).decode()
        store._kv.write(store._place.shared(item), pack(_Packed(text)), 0)


class TestClassicVaultStore(TestOpenBaoStore):
    """The same server, its listing of versions out of reach, as on HashiCorp's."""

    @pytest.fixture(autouse=True)
    def _no_detailed_listing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unsupported(self: KvMount, path: str, after: str = "") -> dict[str, int]:
            raise VaultError.because(VaultFailure.UNSUPPORTED)

        monkeypatch.setattr(KvMount, "versions", unsupported)
