"""Reads times and days as files and command lines write them."""

import re
from datetime import UTC, date, datetime

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def moment_of(text: str) -> datetime | None:
    """The ISO 8601 time in UTC; one without a zone is taken to be in UTC. None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter for the first or last hours that there are, of another zone
        return None


def parse_day(text: str) -> datetime | None:
    """The start of a day written as YYYY-MM-DD, in UTC; None for any other text."""
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    return None if found is None else datetime(found.year, found.month, found.day, tzinfo=UTC)
