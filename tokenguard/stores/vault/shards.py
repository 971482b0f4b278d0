"""Index shards: compressed rows of documents, used as a cache only after a version check."""

import base64
import binascii
import zlib
from collections.abc import Iterable

import msgspec

from tokenguard.clients.vault.kv import KvEntry
from tokenguard.domain.names import TokenId
from tokenguard.frozen import Frozen
from tokenguard.stores.decompress import decompress_limited
from tokenguard.stores.vault.codec import damaged, pack, unpack
from tokenguard.stores.vault.layout import MAX_PACKED

_MAX_UNPACKED = 64 << 20


class IndexRow(Frozen, frozen=True, kw_only=True):
    """One document at a version."""

    name: str
    """Empty for an id with a tombstone."""
    token: TokenId
    version: int
    busy: bool
    document: msgspec.Raw


class _Shard(Frozen, frozen=True):
    rows: str


def unpack_shard(entry: KvEntry | None) -> dict[TokenId, IndexRow]:
    """Return the rows of a shard by token; Tampered if it is not readable."""
    if entry is None:
        return {}
    try:
        text = decompress_limited(base64.b64decode(unpack(entry.data, _Shard).rows, validate=True), _MAX_UNPACKED)
        rows = msgspec.json.decode(text, type=list[IndexRow])
    except (zlib.error, binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        raise damaged("a shard of the index is not readable") from None
    return {row.token: row for row in rows}


def pack_shard(rows: Iterable[IndexRow]) -> dict[str, object] | None:
    """Encode rows as an entry's data; None if they exceed the size of an entry."""
    ordered = sorted(rows, key=lambda row: row.token)
    packed = base64.b64encode(zlib.compress(msgspec.json.encode(ordered), 6)).decode()
    return pack(_Shard(packed)) if len(packed) <= MAX_PACKED else None
