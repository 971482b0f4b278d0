"""The operator port. Implementations without a terminal raise `NeedsPerson` (exit 3)."""

from collections.abc import Callable, Sequence
from enum import StrEnum, unique
from typing import Protocol

from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen


class Task(Frozen, frozen=True, kw_only=True):
    """A manual task outside tokenguard."""

    title: str
    """One line, for example `create a token in Descript`."""
    where: str
    steps: Sequence[str]
    why: str = ""
    """Its purpose and the consequence of not doing it."""


class StrayToken(Frozen, frozen=True, kw_only=True):
    """A pasted token that the provider accepts, and that belongs elsewhere."""

    provider: str
    found: str
    """Where it belongs, by the provider."""
    wanted: str
    """Where the token belongs that was asked for."""


@unique
class TokenTraceAnswer(StrEnum):
    """What a person finds at the provider under a label recorded beforehand."""

    ABSENT = "absent"
    """There is no token of that name."""
    ON_SCREEN = "on-screen"
    """It was created and its value can still be pasted."""
    REVOKED = "revoked"
    """It existed and is revoked now."""
    UNKNOWN = "unknown"


class TokenTrace(Frozen, frozen=True):
    """What a person found, and who says so where the answer is that the token does not exist (any more)."""

    answer: TokenTraceAnswer
    said_by: str = ""

    @property
    def ended(self) -> bool:
        """Whether it says that no token of that name is left."""
        return self.answer in {TokenTraceAnswer.ABSENT, TokenTraceAnswer.REVOKED}


class Creator(Frozen, frozen=True):
    """Who creates values at a provider."""

    person: str
    account: str
    """Their login there."""


class Operator(Protocol):
    """Asks a person. Every question can be interrupted (KeyboardInterrupt) without harm."""

    def paste(self, task: Task, *, retry: str = "") -> Secret:
        """Show the task and read a value by hidden prompt; `retry` states why the last paste was rejected."""
        ...

    def created_now(self, stray: StrayToken) -> bool:
        """Whether the person has just created it, in the wrong place; otherwise it is left as it is."""
        ...

    def done(self, task: Task, *, retry: str = "") -> str | None:
        """Show the task; returns the name of the person who confirms it, or None if it is not done."""
        ...

    def ask_outcome(self, task: Task) -> TokenTrace:
        """Show the task (look for a label) and ask what was found, and by whom."""
        ...

    def creator(self, provider: str, recorded: Creator | None) -> Creator:
        """Who does the manual steps, and with which login at the provider.

        Args:
            provider: its name.
            recorded: of the value before. If that is another person, or a login is on record, ask, once a sitting;
                otherwise, and if it is None, what was said in this sitting, or the person who is logged in here.
        """
        ...

    def hand_over(self, leaves: Callable[[str], bool], successor: Creator) -> None:
        """From now on a person who leaves is neither offered nor taken as the one who acts, and their login neither.

        Args:
            leaves: whether a name or login is that person's.
            successor: who is offered instead, as far as known.
        """
        ...


class Progress(Protocol):
    """A null object by default: the core never prints."""

    def step(self, text: str) -> None:
        """Report a completed, durable step."""
        ...

    def waiting(self, text: str) -> None:
        """Report what is being waited for; replaces the previous waiting line."""
        ...

    def note(self, text: str) -> None:
        """Report a notice to the operator."""
        ...

    def clear(self) -> None:
        """Take the waiting line away, before other output to the terminal."""
        ...


class SilentProgress:
    """Progress that is not shown."""

    def step(self, text: str) -> None:
        """Nothing."""

    def waiting(self, text: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def clear(self) -> None:
        """Nothing."""
