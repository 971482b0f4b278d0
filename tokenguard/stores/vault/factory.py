"""Creates and opens a store at a prefix: description, fingerprint key and the checks before the first write."""

import base64
import binascii
import secrets
from collections.abc import Callable

from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.preflight import problems
from tokenguard.clients.vault.vault_errors import CasLost, VaultError
from tokenguard.domain.event import STORE_CHAIN, Actor, ChainHead, Event, Op, extend
from tokenguard.errors import Conflict, InputError, NewerFormat, Unreachable
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock
from tokenguard.stores.refusals import NoStore
from tokenguard.stores.vault.codec import FORMAT, StoreDescription, damaged, pack, pack_bound, unpack, unpack_bound
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.policies import VaultStoreRole, needs

_KEY_BYTES = 32


class _Key(Frozen, frozen=True):
    key: str


class _Header(Frozen, frozen=True):
    format: int = FORMAT


def found(
    kv: KvMount, place: VaultAddress, clock: Clock, actor: Callable[[], Actor], *, sandbox: bool
) -> StoreDescription:
    """Create the store's own entries; the key first, so that a retry after a crash reuses it.

    Raises:
        InputError: there is already a store.
        Unreachable: the login lacks permissions, or the mount is not suitable.
    """
    check_ready(kv, place, VaultStoreRole.BREAK_GLASS, clock)
    if kv.read(place.store) is not None:
        raise _there_already(place)
    try:
        kv.write(place.key, pack(_Key(base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())), 0)
    except CasLost:
        read_key(kv, place)
    _, entries = extend(STORE_CHAIN, ChainHead(), [Event(at=clock.now(), op=Op.INIT, actor=actor())])
    about = StoreDescription(
        store_id=secrets.token_hex(16), detailed=_lists_versions(kv, place), sandbox=sandbox, entries=entries
    )
    try:
        kv.write(place.store, pack_bound(about, 1), 0)
    except CasLost:
        raise _there_already(place) from None
    return about


def read_about(kv: KvMount, place: VaultAddress) -> StoreDescription:
    """Return the description of the store at `place`.

    Raises:
        InputError: there is no store.
        NewerFormat: a newer version wrote it.
        Tampered: it is damaged.
    """
    entry = kv.read(place.store)
    if entry is None:
        check = "check MOUNT and PREFIX, the namespace, and whether the mount was moved (`vault secrets list`)"
        namespace = kv.connection.settings.namespace
        raise NoStore(place.url, place.url + (f" in namespace {namespace}" if namespace else ""), check)
    NewerFormat.check("the store", unpack(entry.data, _Header).format, FORMAT)
    return unpack_bound(entry, StoreDescription, kv.mount, place.store)


def read_key(kv: KvMount, place: VaultAddress) -> bytes:
    """Return the fingerprint key, 32 bytes."""
    entry = kv.read(place.key)
    try:
        key = base64.b64decode(unpack(entry.data, _Key).key if entry else "", validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise damaged("the store's fingerprint key is missing or not readable")
    return key


def write_key(kv: KvMount, place: VaultAddress, key: bytes) -> None:
    """Replace the fingerprint key (32 bytes)."""
    entry = kv.read(place.key)
    try:
        kv.write(place.key, pack(_Key(base64.b64encode(key).decode())), entry.version if entry else 0)
    except CasLost:
        raise Conflict(
            "the store's fingerprint key was changed by another writer", hint="run the command again"
        ) from None


def connected(connection: VaultConnection, place: VaultAddress) -> KvMount:
    """Return the mount of a store."""
    return KvMount(connection, place.mount)


def check_ready(kv: KvMount, place: VaultAddress, role: VaultStoreRole, clock: Clock) -> None:
    """Raise Unreachable for the first preflight problem of a role."""
    for problem in problems(kv.connection, place.mount, needs(role, place), clock.monotonic()):
        raise Unreachable(problem.message, hint=problem.hint)


def _lists_versions(kv: KvMount, place: VaultAddress) -> bool:
    """Whether the server lists versions, tested on a folder that holds one entry."""
    try:
        return kv.versions(place.at("key")) == {"fingerprint": 1}
    except VaultError:
        return False


def _there_already(place: VaultAddress) -> InputError:
    return InputError(f"there is already a store at {place.url}", hint="use it, or choose another prefix")
