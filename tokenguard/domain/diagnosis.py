"""What a check of `doctor` says: how grave it is, and the command that mends it."""

from dataclasses import dataclass
from enum import StrEnum, unique

from tokenguard.errors import ExitCode, TokenguardError


@unique
class Level(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What one check found."""

    check: str
    level: Level
    text: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.OK
    """What it means for the process; of several findings the gravest counts."""


def well(check: str, text: str) -> Diagnosis:
    """Nothing to mend."""
    return Diagnosis(check=check, level=Level.OK, text=text)


def doubt(check: str, text: str, hint: str) -> Diagnosis:
    """Something to mend, which changes no exit code."""
    return Diagnosis(check=check, level=Level.WARN, text=text, hint=hint)


def broken(check: str, text: str, hint: str) -> Diagnosis:
    """Something that must be mended: exit 1."""
    return Diagnosis(check=check, level=Level.FAIL, text=text, hint=hint, exit_code=ExitCode.FINDINGS)


def failed(check: str, error: TokenguardError) -> Diagnosis:
    """What kept a check from being made, with that error's own exit code."""
    return Diagnosis(check=check, level=Level.FAIL, text=error.message, hint=error.hint, exit_code=error.exit_code)
