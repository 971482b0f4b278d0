"""The exception tree. Every error carries one sentence, one hint, and never a secret.

    TokenguardError
    ├── InputError           bad usage or input                                exit 2
    │   └── NoStore          nothing at a store's address (stores/refusals)    exit 2
    ├── NeedsPerson          a person is needed and none may be asked          exit 3
    ├── NotApproved          something new without approval, unattended        exit 3
    ├── Unfinished           a rotation stopped before the revoke intent       exit 3
    ├── Unreachable          store or provider unreachable, denied, unknown    exit 4
    │   ├── WrongKey         the key or passphrase does not open the store     exit 4
    │   ├── Moved            what the store held is, or will be, in another    exit 4
    │   ├── NewerFormat      a newer version of tokenguard wrote it            exit 4
    │   └── Conflict         another writer made a change at the same time (compare-and-set lost)   exit 4
    │       └── Fenced       another runner took this rotation over            exit 4
    ├── NotProvenDead        revoke intended and death not proven              exit 5
    └── Tampered             stored bytes are not what was written             exit 6

The exit code belongs to the class, so that a new error cannot forget it. Messages are lower case, without a full stop.
"""

from enum import IntEnum, unique
from typing import ClassVar

__all__ = ["ExitCode", "InputError", "Tampered", "TokenguardError", "Unreachable"]
UPGRADE = (
    "upgrade tokenguard here: `pip install 'tokenguard-governance @ git+URL@TAG'`, as README.md says; "
    "`tokenguard --version` shows this one"
)
"""The hint wherever a newer version wrote what is read."""
_LONGEST_NUMBER = 9


def newer_hint(found: object, known: int | str) -> str:
    """The hint for a document whose version is higher than the one that this program reads; empty if it is not."""
    text = str(found) if isinstance(found, int | str) else ""
    is_number = text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER
    return UPGRADE if is_number and int(text) > int(known) else ""


@unique
class ExitCode(IntEnum):
    """The meaning of a process's exit code."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNFINISHED = 3
    UNREACHABLE = 4
    NOT_PROVEN_DEAD = 5
    TAMPERED = 6
    CLOSED = 125
    BUG = 70
    INTERRUPTED = 130


class TokenguardError(Exception):
    """Base of every error that tokenguard raises on purpose.

    Args:
        message: one lower-case sentence without a full stop; never holds a secret or a foreign error's text.
        hint: what the reader can do next.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(TokenguardError):
    """The command line, a file or a typed value is not acceptable; nothing was written."""

    exit_code = ExitCode.USAGE


class NeedsPerson(TokenguardError):
    """A step needs a person, and `--no-input` (or a missing terminal) forbids asking."""

    exit_code = ExitCode.UNFINISHED


class NotApproved(TokenguardError):
    """A plan contains new items without approval, in an unattended run; nothing was applied."""

    exit_code = ExitCode.UNFINISHED


class Unfinished(TokenguardError):
    """A rotation stopped before the revoke intent; both tokens still work and it can be resumed or aborted."""

    exit_code = ExitCode.UNFINISHED


class Unreachable(TokenguardError):
    """A store or provider could not be reached, denied the request, or gave no usable answer."""

    exit_code = ExitCode.UNREACHABLE


class WrongKey(Unreachable):
    """No key slot of the store opens with the key or passphrase at hand."""


class Moved(Unreachable):
    """What the store held is in another one, or on its way there; reading it again would not help."""


class NewerFormat(Unreachable):
    """A newer version of tokenguard wrote what is stored; nothing was changed."""

    @classmethod
    def check(cls, what: str, found: int, known: int) -> None:
        """Raise if the format number of `what` is higher than the one that this version reads."""
        if found > known:
            raise cls(f"{what} has format {min(found, 10**9)}, this version reads {known}", hint=UPGRADE)


class Conflict(Unreachable):
    """A compare-and-set lost: the document changed since it was read."""


class RotatedByOthers(Conflict):
    """Another tool rotates what a token is kept in: trying again does not help."""


class Fenced(Conflict):
    """Another runner took the rotation over; this one must stop without further effect."""


class NotProvenDead(TokenguardError):
    """A revoke was intended (or a compromise opened) and the old token is not proven dead."""

    exit_code = ExitCode.NOT_PROVEN_DEAD


class Tampered(TokenguardError):
    """Stored bytes are not what tokenguard wrote: changed, swapped, rolled back or damaged."""

    exit_code = ExitCode.TAMPERED
