"""Durations as configuration files and provider files write them: `90`, `30s`, `2m`, `24h`, `7d`."""

import re
from datetime import timedelta

_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|m|h|d)?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

DURATION_HINT = "write seconds, or for example 2m, 24h or 7d"


def parse_duration(text: str) -> timedelta | None:
    """The duration; seconds where no unit is given; None for any other text."""
    match = _DURATION.fullmatch(text)
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2] or "s"]) if match else None
