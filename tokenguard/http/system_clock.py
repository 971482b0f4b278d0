"""The machine's own clocks, for whoever is not given others: receivers of webhooks, and the sandbox."""

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
        """Wait."""
        time.sleep(seconds)
