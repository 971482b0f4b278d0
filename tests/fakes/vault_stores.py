"""Stores on a Vault for tests: one address, one login, the prefix a test asks for."""

from tests.fakes.clock import FakeClock
from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.vault_settings import Login, LoginMethod, VaultSettings
from tokenguard.domain.event import Actor
from tokenguard.domain.secret import Secret
from tokenguard.http.address import Address
from tokenguard.stores.vault.factory import connected, found, read_about
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.store import VaultStore


def settings(url: str, token: str, **changes: object) -> VaultSettings:
    login = Login(method=LoginMethod.TOKEN, credential=Secret(token))
    return VaultSettings(address=Address.parse(url), **{"login": login, "deadline": 5.0, **changes})


def connection(url: str, token: str, **changes: object) -> VaultConnection:
    return VaultConnection(settings(url, token, **changes), FakeClock())


def made(place: VaultAddress, through: VaultConnection, *, sandbox: bool = False) -> VaultStore:
    kv = connected(through, place)
    about = found(kv, place, FakeClock(), lambda: Actor(id="user:tester"), sandbox=sandbox)
    return VaultStore(kv, place, about, FakeClock())


def opened(place: VaultAddress, through: VaultConnection) -> VaultStore:
    kv = connected(through, place)
    return VaultStore(kv, place, read_about(kv, place), FakeClock())
