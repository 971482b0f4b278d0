"""Finds the entries of a trail whose time cannot be right: later than now, or later than that of a following entry."""

from collections.abc import Sequence
from datetime import datetime

from tokenguard.domain.clock_correction import CORRECTED
from tokenguard.domain.event import ChainedEvent
from tokenguard.ports.clock import is_behind


def dated_ahead(entries: Sequence[ChainedEvent], now: datetime) -> ChainedEvent | None:
    """Return the entry with the latest such time that no correction has followed; None if there is none.

    Args:
        entries: of one chain, oldest first.
        now: the present time.
    """
    found, limit = None, now
    for entry in reversed(entries):
        if CORRECTED in entry.event.detail:
            break
        at = entry.event.at
        if is_behind(limit, at) and (found is None or at > found.event.at):
            found = entry
        limit = min(limit, at)
    return found
