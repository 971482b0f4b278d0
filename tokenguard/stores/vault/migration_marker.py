"""What a store says of a move to or from another one, in its own entry; only break-glass may write there."""

from collections.abc import Sequence

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import CasLost
from tokenguard.domain.event import STORE_CHAIN, ChainHead, Event, extend
from tokenguard.domain.migration_status import Move
from tokenguard.frozen import replace
from tokenguard.stores.refusals import move_changed
from tokenguard.stores.vault.codec import StoreDescription, pack_bound, unpack_bound
from tokenguard.stores.vault.layout import VaultAddress


def put_move(
    kv: KvMount, place: VaultAddress, expected: Move | None, move: Move | None, events: Sequence[Event]
) -> StoreDescription:
    """Replace the move if it still is `expected`, with its events; returns what the store is now.

    Raises:
        Conflict: it is another one by now. Nothing was written.
    """
    entry = kv.read(place.store)
    about = unpack_bound(entry, StoreDescription, kv.mount, place.store) if entry else None
    if entry is None or about is None or about.move != expected:
        raise move_changed()
    last = about.entries[-1]
    _, entries = extend(STORE_CHAIN, ChainHead(last.seq, last.hash), events)
    moved = replace(about, move=move, entries=(*about.entries, *entries))
    try:
        kv.write(place.store, pack_bound(moved, entry.version + 1), entry.version)
    except CasLost:
        raise move_changed() from None
    return moved
