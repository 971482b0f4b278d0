"""Looks from time to time whether a running child still has the values it should have."""

import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor


@dataclass(slots=True, kw_only=True)
class TokenWatch:
    """What is looked at, how often, and how the child is told.

    Args:
        look: an engine for the new values and the old ones, or None if nothing has changed; never raises.
        tell: the signal for the child.
        every: seconds between two looks.
        grace: seconds after which a child that was told to end is killed; None: it was not told to end.
    """

    look: Callable[[], Matcher | None]
    tell: signal.Signals
    every: float
    grace: float | None = None
    fired: bool = False
    """Something has changed and the child was told."""
    _next: float = field(init=False)
    _kill_at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._next = time.monotonic() + self.every

    @property
    def patience(self) -> float:
        """Seconds until there is something to do."""
        due = self._next if self._kill_at is None else min(self._next, self._kill_at)
        return max(due - time.monotonic(), 0)

    def tick(self, streams: Iterable[StreamRedactor], send: Callable[[int], None]) -> None:
        """Look if it is time; new values are masked before the child hears of them."""
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            send(signal.SIGKILL)
        if now < self._next:
            return
        self._next = now + self.every
        if (matcher := self.look()) is None:
            return
        for stream in streams:
            stream.matcher = matcher
        if self.grace is not None and not self.fired:
            self._kill_at = now + self.grace
        self.fired = True
        send(self.tell)
