"""The person as a port. `NeedsPerson` (exit 3) is raised wherever nobody may be asked."""

from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Protocol

from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen


class Task(Frozen, frozen=True, kw_only=True):
    """Something a person does by hand, outside tokenguard."""

    title: str
    """One line, for example `create a token in Descript`."""
    where: str
    steps: Sequence[str]
    why: str = ""
    """What it is for and what happens if it is not done."""


@unique
class TokenTraceAnswer(StrEnum):
    """What a person finds at the provider under a label that was written ahead."""

    ABSENT = "absent"
    """There is no token of that name."""
    ON_SCREEN = "on-screen"
    """It was made and its value can still be pasted."""
    REVOKED = "revoked"
    """It was there and has been revoked now."""
    UNKNOWN = "unknown"


class Operator(Protocol):
    """Asks a person. Every question can be interrupted (KeyboardInterrupt) without harm."""

    def paste(self, task: Task, *, retry: str = "") -> Secret:
        """Show the task, take a value by hidden prompt. `retry` says why the last paste was not taken."""
        ...

    def done(self, task: Task, *, retry: str = "") -> str | None:
        """Show the task; returns the name of the person who says it is done, or None if it is not (yet)."""
        ...

    def ask_outcome(self, task: Task) -> TokenTraceAnswer:
        """Show the task (look for a label) and ask what was found."""
        ...


class Progress(Protocol):
    """A null object by default: the core never prints."""

    def step(self, text: str) -> None:
        """Something is durably true now."""
        ...

    def waiting(self, text: str) -> None:
        """What is being waited for, and why; replaces the previous waiting line."""
        ...

    def note(self, text: str) -> None:
        """Something the person should know."""
        ...
