"""What a person's statement that earlier times were ahead means for the entries of an audit trail."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from tokenguard.domain.event import ChainedEvent

CORRECTED = "ahead"
"""The detail of the event by which a person says that the times before it are wrong."""


def since_correction(entries: Sequence[ChainedEvent]) -> Sequence[ChainedEvent]:
    """Return the entries that no correction follows, the last one itself included; all if there is none."""
    corrections = [index for index, entry in enumerate(entries) if CORRECTED in entry.event.detail]
    return entries[corrections[-1] :] if corrections else entries


def with_known_times(entries: Sequence[ChainedEvent]) -> Iterator[tuple[ChainedEvent, datetime]]:
    """Yield the entries, newest first, with the time by which each was written: a correction that follows limits it."""
    limit: datetime | None = None
    for entry in reversed(entries):
        at = entry.event.at
        if CORRECTED in entry.event.detail:
            limit = at if limit is None else min(at, limit)
        yield entry, at if limit is None else min(at, limit)
