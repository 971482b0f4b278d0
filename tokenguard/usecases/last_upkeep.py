"""What the store says of the last upkeep: kept beside the notifications, for every command that reports on it."""

from tokenguard.errors import Unreachable
from tokenguard.notifications.outbox import LastUpkeep, decode_outbox
from tokenguard.ports.shared_item import Item, shared_items_of
from tokenguard.usecases.parts import HasStore


def last_upkeep(parts: HasStore) -> LastUpkeep | None:
    """The last one that came to its end; None: none did where notifications are set up, or this login may not read it.

    Raises:
        Tampered: it is not readable as what tokenguard writes.
    """
    try:
        shared = shared_items_of(parts.store).read(Item.OUTBOX)
    except Unreachable:
        return None
    return None if shared is None else decode_outbox(shared.data).upkeep
