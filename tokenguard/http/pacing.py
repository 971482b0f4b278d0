"""Retry delays: back-off, Retry-After and rate-limit headers, with upper limits."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 60.0
"""Maximum seconds that a command waits at once; a longer wait is reported instead."""
_MOST = 366 * 86_400.0
"""A year; larger values are ignored."""
_SECONDS = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_EPOCH = 1_000_000_000
"""A reset below this is not a Unix time but the seconds until then."""


def backoff(attempt: int) -> float:
    """Seconds before attempt `attempt` (1 is the first repetition): 1, 2, 4 ... 60."""
    return min(float(2 ** min(max(attempt - 1, 0), 6)), LONGEST)


def retry_after(text: str, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds from 0 to a year; None when it is missing or makes no sense.

    A number below zero makes no sense. A date that has passed does: clocks differ.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return _bounded(float(text)) if float(text) >= 0 else None
    moment = http_date(text)
    return None if moment is None else _bounded((moment - now).total_seconds())


def http_date(text: str) -> datetime | None:
    """The time in a header such as Date; None when it is missing or makes no sense."""
    try:
        moment = parsedate_to_datetime(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def too_long(wait: float | None) -> bool:
    """Whether a command does not wait that long."""
    return wait is not None and wait > LONGEST


def nothing_left(headers: Mapping[str, str]) -> bool:
    """Whether X-RateLimit-Remaining says that no request is left."""
    remaining = headers.get("x-ratelimit-remaining", "").strip()
    return bool(_SECONDS.fullmatch(remaining)) and float(remaining) <= 0


def seconds_until_reset(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds until X-RateLimit-Reset, if X-RateLimit-Remaining says that nothing is left; otherwise 0."""
    reset = headers.get("x-ratelimit-reset", "").strip()
    if not nothing_left(headers) or not _SECONDS.fullmatch(reset):
        return 0.0
    moment = float(reset)
    return _bounded(moment if moment < _EPOCH else moment - now.timestamp())


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _MOST)
