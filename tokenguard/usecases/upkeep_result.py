"""The result of one `upkeep`: a line for each token."""

from enum import StrEnum, unique

from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.rotation.batch import most_severe_code


@unique
class Duty(StrEnum):
    """One part of upkeep, in execution order."""

    RESUME = "resume"
    """Resume open operations."""
    APPLY = "apply"
    """Apply declarations that are not new, or are approved."""
    ROTATE = "rotate"
    """Rotate due tokens."""
    VERIFY = "verify"
    """Verify live tokens, and recheck revoked values."""
    CONSUMERS = "consumers"
    DRIFT = "drift"
    NOTIFY = "notify"
    """Send notifications, about the results of the others too."""


class UpkeepLine(Frozen, frozen=True, kw_only=True):
    """One line of the summary."""

    duty: Duty
    name: str
    """The token; empty if the whole duty failed."""
    code: ExitCode = ExitCode.OK
    asked: bool = True
    """False: the provider could not be asked about the token, so nothing is known of it."""
    says: str = ""
    hint: str = ""
    rule: str = ""
    """Of drift: its kind."""

    @classmethod
    def failed(cls, duty: Duty, name: str, error: TokenguardError) -> "UpkeepLine":
        """What an error means for a token."""
        return cls(duty=duty, name=name, code=error.exit_code, says=error.message, hint=error.hint)


class Summary(Frozen, frozen=True, kw_only=True):
    """Everything that was done, also by an interrupted run."""

    lines: tuple[UpkeepLine, ...]
    held: tuple[tuple[str, str], ...] = ()
    """Due tokens that were held back, each with the reason."""
    stopped_by: ExitCode | None = None
    """The exit code of what stopped it before its end, Ctrl-C for example; None if nothing did."""

    @property
    def exit_code(self) -> ExitCode:
        """That of what stopped it, else the gravest: 6 before 5 before 4 before 3; 2 and 1 after them."""
        if self.stopped_by is not None:
            return self.stopped_by
        return most_severe_code(each.code for each in self.lines)
