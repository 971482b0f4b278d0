"""What came of one `upkeep`: a line for each token that it worked on."""

from enum import StrEnum, unique

from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.rotation.batch import most_severe_code


@unique
class Duty(StrEnum):
    """One part of upkeep, in the order in which they are done."""

    RESUME = "resume"
    """Open operations go on."""
    APPLY = "apply"
    """What the manifest declares and is not new, or is approved."""
    ROTATE = "rotate"
    """Due tokens."""
    VERIFY = "verify"
    """Live tokens are probed, and revoked values looked at again."""
    CONSUMERS = "consumers"
    DRIFT = "drift"


class Done(Frozen, frozen=True, kw_only=True):
    """One line of the summary."""

    duty: Duty
    name: str
    """The token; empty where all of the duty failed."""
    code: ExitCode = ExitCode.OK
    says: str = ""
    hint: str = ""

    @classmethod
    def failed(cls, duty: Duty, name: str, error: TokenguardError) -> "Done":
        """What an error means for a token."""
        return cls(duty=duty, name=name, code=error.exit_code, says=error.message, hint=error.hint)


class Summary(Frozen, frozen=True, kw_only=True):
    """Everything that was done, or as far as it got."""

    lines: tuple[Done, ...]
    held: tuple[tuple[str, str], ...] = ()
    """Due tokens that were left alone on purpose, each with why."""
    stopped: bool = False
    """Whether somebody interrupted it."""

    @property
    def exit_code(self) -> ExitCode:
        """The gravest: 6 before 5 before 4 before 3; 2 and 1 after them."""
        return most_severe_code(each.code for each in self.lines)
