"""What became of one entry of a file, a secret store or a provider's list that was imported."""

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class ImportStatus(StrEnum):
    """The result of one parsed entry."""

    ADDED = "added"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    REFUSED = "refused"
    UNFINISHED = "unfinished"
    """Its value is stored; a person must confirm that a consumer has it."""
    UNREADABLE = "unreadable"
    """It exists and cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """One parsed entry and its result; never its value."""

    fate: ImportStatus
    place: str
    name: str = ""
    """Its name; for a duplicate, the existing name of the value."""
    provider: str = ""
    state: str = ""
    reason: str = ""
    also: tuple[str, ...] = ()
    """Other places with the same value."""
    asked: bool = False
    """Reported by the provider itself."""
    undeclared: tuple[str, ...] = ()
    """Places of an already known value that its record does not name; rotations would not update them."""
