"""Reads times and days as files and command lines write them."""

import re
from datetime import UTC, date, datetime

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing here is older: services write an earlier time where there is none, and people by mistake (0026-12-01)."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LAST_DAYS = (31, 30, 29, 28)


def moment_of(text: str) -> datetime | None:
    """The ISO 8601 time in UTC; one without a zone is taken to be in UTC. None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter for the first or last hours that there are, of another zone
        return None


def parse_day(text: str) -> datetime | None:
    """The start of a day from 2000 on, written as YYYY-MM-DD, in UTC; None for any other text."""
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    start = None if found is None else datetime(found.year, found.month, found.day, tzinfo=UTC)
    return None if start is None or start < EARLIEST else start


def day_hint(text: str) -> str:
    """What to write in place of a text that is not a day."""
    return missing_day(text) or "use YYYY-MM-DD"


def missing_day(text: str) -> str:
    """What is wrong with a day that is written well and is none; empty for any other text."""
    if not _DAY.fullmatch(text) or parse_day(text):
        return ""
    if text < f"{EARLIEST:%Y}":
        return "the year must be 2000 or later"
    last = next((day for day in _LAST_DAYS if parse_day(f"{text[:8]}{day}")), None)
    return f"there is no such day: {text[:7]} has {last} days" if last else f"there is no such month: {text[:7]}"
