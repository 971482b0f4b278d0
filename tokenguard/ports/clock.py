"""The clock port."""

from datetime import datetime, timedelta
from typing import Protocol

CLOCK_SLACK = timedelta(minutes=5)
"""The tolerated difference between the clocks of two machines."""


class Clock(Protocol):
    """Wall clock for records, monotonic clock for waiting. A test's clock advances when it sleeps."""

    def now(self) -> datetime:
        """Return the current time in UTC, with a time zone."""
        ...

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
