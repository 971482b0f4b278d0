"""Sliding-window rate limits, as the vendors document them."""

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemainingLimit:
    """What is left of a limit after a request."""

    allowed: bool
    limit: int
    used: int
    reset_in: float
    """Seconds until the oldest request leaves the window."""

    @property
    def remaining(self) -> int:
        """Requests still allowed in this window."""
        return max(self.limit - self.used, 0)


class Limiter:
    """Counts requests by key; thread-safe."""

    def __init__(self) -> None:
        self._taken: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, limit: int, window: float, now: float) -> RemainingLimit:
        """Count one request of `key` at `now` if fewer than `limit` happened in the last `window` seconds."""
        with self._lock:
            taken = self._taken.setdefault(key, deque())
            while taken and taken[0] <= now - window:
                taken.popleft()
            allowed = len(taken) < limit
            if allowed:
                taken.append(now)
            return RemainingLimit(allowed, limit, len(taken), taken[0] + window - now)
