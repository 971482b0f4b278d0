"""When a condition that lasts is told again: after a time, then after twice that, up to eight times of it."""

from datetime import datetime, timedelta

from tokenguard.frozen import Frozen

REMIND_AFTER = timedelta(days=7)
"""From the first message to the first reminder."""
_FURTHEST = 8
"""Times `REMIND_AFTER` between two reminders at most."""


class Reminder(Frozen, frozen=True):
    """The reminder whose turn it is. The same one has the same number and days on every runner."""

    number: int
    days: int
    """From the beginning of the condition to its turn."""


def current_reminder(began: datetime, now: datetime, after: timedelta | None) -> Reminder | None:
    """The last reminder whose turn has come.

    Args:
        began: when the condition began.
        now: the time.
        after: from the first message to the first reminder; None: there are no reminders.

    Returns:
        None before the first one.
    """
    if after is None or now - began < after:
        return None
    number, turn, distance = 1, after, after
    while True:
        distance = min(2 * distance, _FURTHEST * after)
        if now - began < turn + distance:
            return Reminder(number, turn.days)
        number, turn = number + 1, turn + distance
