"""The result of a `doctor` check: its severity, and the command that fixes it."""

from dataclasses import dataclass
from enum import StrEnum, unique

from tokenguard.errors import ExitCode, TokenguardError


@unique
class Level(StrEnum):
    """Severity of a finding."""

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
    """The exit code of a finding; of several findings the most severe one counts."""


def passed_check(check: str, text: str) -> Diagnosis:
    """Nothing to fix."""
    return Diagnosis(check=check, level=Level.OK, text=text)


def warned_check(check: str, text: str, hint: str) -> Diagnosis:
    """Something to fix that does not change the exit code."""
    return Diagnosis(check=check, level=Level.WARN, text=text, hint=hint)


def failed_check(check: str, text: str, hint: str) -> Diagnosis:
    """Something that must be fixed: exit 1."""
    return Diagnosis(check=check, level=Level.FAIL, text=text, hint=hint, exit_code=ExitCode.FINDINGS)


def prevented_check(check: str, error: TokenguardError) -> Diagnosis:
    """An error that prevented the check, with its own exit code."""
    return Diagnosis(check=check, level=Level.FAIL, text=error.message, hint=error.hint, exit_code=error.exit_code)
