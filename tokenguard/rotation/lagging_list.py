"""Reads a provider's list that may show a change late."""

from collections.abc import Callable

from tokenguard.ports.clock import Clock
from tokenguard.ports.operator import Progress
from tokenguard.ports.provider import Provider, TokenList

_LOOKS = 3
"""Reads of a list that may lag: at once, halfway through the lag and at its end."""


def read_until(
    settled: Callable[[TokenList], bool],
    read: Callable[[], TokenList],
    provider: Provider,
    *,
    clock: Clock,
    progress: Progress,
) -> TokenList:
    """Read the list until `settled` accepts it or the provider's list lag is over; returns the last reading.

    The lag begins now, not at a time on record: that is another clock's, or this one's before it was set.

    Args:
        settled: whether the list shows what is expected of it.
        read: gives the list of now.
        provider: tells how long its list may lag.
        clock: waits between the readings.
        progress: is told of each wait.
    """
    ends = clock.monotonic() + provider.capabilities.list_lag.total_seconds()
    looks = _LOOKS
    while True:
        found, looks = read(), looks - 1
        wait = ends - clock.monotonic()
        if not looks or wait <= 0 or settled(found):
            return found
        progress.waiting(f"{provider.name} may list it late; looking again in {wait / looks:.3g} s")
        clock.sleep(wait / looks)
