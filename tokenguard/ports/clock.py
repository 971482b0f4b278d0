"""Time comes in by argument."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Wall clock for records, monotonic clock for waiting. A test's clock advances when it sleeps."""

    def now(self) -> datetime:
        """The time now, in UTC, with a time zone."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
