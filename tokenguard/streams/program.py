"""What is run, and how it ended."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tokenguard.errors import InputError
from tokenguard.redaction.known import MatchSource
from tokenguard.streams.failure import OutputWithheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    umask: int = -1
    """Its file mode mask; -1: ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended."""

    code: int
    """Its exit code, or 128 and the number of the signal that ended it."""
    found: Mapping[str, Counter[MatchSource]] = field(default_factory=dict)
    """What was masked, by channel."""
    exposed: Counter[MatchSource] = field(default_factory=Counter)
    """Values that are in files which could not be masked."""
    failure: OutputWithheld | None = None
    """Why output was withheld; None: it was not."""


def cannot_start() -> InputError:
    """The program does not exist or may not be run."""
    return InputError("the program cannot be started", hint="check its name and that it may be executed")
