"""Copies shared items with their audit trails unchanged."""

from collections.abc import Sequence

from tokenguard.domain.event import ChainedEvent, ChainHead, Event, Op, Phase, extend
from tokenguard.errors import InputError, Tampered
from tokenguard.migration.copy_token import Ends, whole_trail
from tokenguard.ports.operator import Progress
from tokenguard.ports.shared_item import Item, Shared, share_detail, shared_items_of, shared_trails

_EVENTS_AT_ONCE = 16
"""In one write: some stores keep an item and its latest events in one place of limited size."""


def copy_shared_items(ends: Ends, progress: Progress) -> None:
    """Copy every item to the target. Idempotent. Items that do not fit there are reported and stay.

    Raises:
        Tampered: a trail does not hold, or the target has another one.
        Conflict: an item was published meanwhile; run it again.
    """
    for item, shared, entries in shared_trails(ends.source):
        left, trail = _leave(ends, item, shared, entries)
        try:
            _write_to_target(ends, item, left.data, trail)
        except InputError as error:
            event = _event(ends, item, left, Phase.OUTCOME, {"result": "left behind"})
            shared_items_of(ends.source).write(item, left.data, left.revision, [event])
            progress.note(f"{item} stays behind: {error.message}")


def _leave(
    ends: Ends, item: Item, shared: Shared, entries: Sequence[ChainedEvent]
) -> tuple[Shared, Sequence[ChainedEvent]]:
    """Record the migration in the item's audit trail, if it is not recorded yet; the content stays."""
    trail = whole_trail(item.chain, f"the shared {item}", entries, shared.chain)
    if any(_is_intent(ends, entry.event) for entry in trail):
        return shared, trail
    intent = _event(ends, item, shared, Phase.INTENT, {})
    left = shared_items_of(ends.source).write(item, shared.data, shared.revision, [intent])
    return left, (*trail, *extend(item.chain, shared.chain, [intent])[1])


def _is_intent(ends: Ends, event: Event) -> bool:
    return (event.op, event.phase, event.detail.get("move")) == (Op.MIGRATE, Phase.INTENT, ends.move)


def _event(ends: Ends, item: Item, shared: Shared, phase: Phase, told: dict[str, str]) -> Event:
    detail = share_detail(item, shared.data) | {"move": ends.move, "to": ends.target.url, **told}
    return Event(at=ends.clock.now(), op=Op.MIGRATE, phase=phase, actor=ends.source.actor(), detail=detail)


def _write_to_target(ends: Ends, item: Item, data: bytes, trail: Sequence[ChainedEvent]) -> None:
    """Write the complete trail and the content to the target's item."""
    items = shared_items_of(ends.target)
    there = items.read(item) or Shared("", b"")
    known = there.chain.seq
    if there.chain != ChainHead() and (known > len(trail) or trail[known - 1].hash != there.chain.hash):
        raise Tampered(
            f"the new store has a different audit trail for the shared {item}",
            hint="find out who wrote to it; then run `tokenguard migrate --abort` and migrate to an empty store",
        )
    while known < len(trail):
        events = [entry.event for entry in trail[known : known + _EVENTS_AT_ONCE]]
        there = items.write(item, data, there.revision, events)
        known = there.chain.seq
