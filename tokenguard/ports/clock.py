"""The clock port."""

from datetime import datetime, timedelta
from typing import Protocol

from tokenguard.errors import InputError

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


def is_behind(now: datetime, latest: datetime) -> bool:
    """Whether a clock that says `now` is behind a time that the store has recorded."""
    return now + CLOCK_SLACK < latest


def refuse_if_behind(now: datetime, latest: datetime) -> None:
    """Due dates and proofs depend on the clock.

    Raises:
        InputError: this machine's clock is behind.
    """
    if is_behind(now, latest):
        raise InputError(
            "this machine's clock is behind the timestamps in the store",
            hint="correct the clock, check it with `tokenguard doctor`, then try again; if it is right, another clock "
            "was ahead: `doctor` names the records, and the command for each",
        )
