"""The system's clock behind the Clock port."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Wall clock in UTC, monotonic clock, real sleep."""

    def now(self) -> datetime:
        """The time now, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds; less than none is none."""
        time.sleep(max(seconds, 0))
