"""How long to wait before asking again."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 60.0
"""Seconds; no provider makes us wait longer than this in one go."""
_SECONDS = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)


def backoff(attempt: int) -> float:
    """Seconds before attempt `attempt` (1 is the first repetition): 1, 2, 4 ... 60."""
    return min(float(2 ** min(max(attempt - 1, 0), 6)), LONGEST)


def retry_after(text: str, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds from 0 to 60; None when it is missing or makes no sense."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return _capped(float(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _capped((moment - now).total_seconds())


def _capped(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)
