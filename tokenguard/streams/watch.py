"""Looks from time to time whether a running child still has the values it should have."""

import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor


@dataclass(slots=True, kw_only=True)
class Watch:
    """What is looked at, how often, and how the child is told.

    Args:
        look: an engine for the new values and the old ones, or None if nothing has changed; never raises.
        tell: the signal for the child.
        every: seconds between two looks.
    """

    look: Callable[[], Matcher | None]
    tell: signal.Signals
    every: float
    fired: bool = False
    """Something has changed and the child was told."""
    _next: float = field(init=False)

    def __post_init__(self) -> None:
        self._next = time.monotonic() + self.every

    @property
    def patience(self) -> float:
        """Seconds until the next look."""
        return max(self._next - time.monotonic(), 0)

    def tick(self, streams: Iterable[StreamRedactor], send: Callable[[int], None]) -> None:
        """Look if it is time; new values are masked before the child hears of them."""
        if self.patience > 0:
            return
        self._next = time.monotonic() + self.every
        matcher = self.look()
        if matcher is not None:
            for stream in streams:
                stream.matcher = matcher
            self.fired = True
            send(self.tell)
