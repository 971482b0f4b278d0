"""System clock (default implementation of the Clock port)."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Wall clock and monotonic clock."""

    def now(self) -> datetime:
        """Wall clock, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds; less than none is none."""
        time.sleep(max(seconds, 0))
