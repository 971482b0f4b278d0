"""The migration marker row of a store, and the fingerprint key that is taken over with a migration."""

from collections.abc import Sequence

from tokenguard.domain.event import STORE_CHAIN, Event
from tokenguard.domain.fingerprint import FingerprintKey
from tokenguard.domain.migration_status import Move
from tokenguard.frozen import replace
from tokenguard.stores.local import chains
from tokenguard.stores.local.codec import KEYS_ROW, StoreKeys, decode, encode
from tokenguard.stores.local.rows import SealedRows
from tokenguard.stores.local.sealing import RowKind
from tokenguard.stores.refusals import move_changed

_ROW = "store"


def move_of(rows: SealedRows) -> Move | None:
    """Return the migration that the store is part of, or None."""
    row = rows.get(RowKind.MOVE, _ROW)
    return None if row is None else decode(row.data, Move)


def put_move(rows: SealedRows, expected: Move | None, move: Move | None, events: Sequence[Event]) -> None:
    """Replace it if it still is `expected`, with its events; Conflict otherwise."""
    if move_of(rows) != expected:
        raise move_changed()
    chains.lengthen(rows, STORE_CHAIN, events)
    if move is None:
        rows.delete(RowKind.MOVE, _ROW)
    else:
        rows.put(RowKind.MOVE, _ROW, encode(move))


def take_key(rows: SealedRows, keys: StoreKeys, key: FingerprintKey) -> StoreKeys:
    """Replace the store's fingerprint key; its anchors stay valid."""
    taken = replace(keys, fingerprint=key.data)
    rows.put(RowKind.KEYS, KEYS_ROW, encode(taken))
    return taken
