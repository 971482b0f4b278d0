"""Reads a time that somebody else has written down."""

from datetime import UTC, datetime


def moment_of(text: str) -> datetime | None:
    """The ISO 8601 time in UTC; one without a zone is taken to be in UTC. None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter for the first or last hours that there are, of another zone
        return None
