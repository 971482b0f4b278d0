"""Where a new value comes from. Never from an argument."""

from collections.abc import Sequence
from typing import Protocol

from tokenguard.domain.secret import Value
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen


class ValueOptions(Frozen, frozen=True, kw_only=True):
    """What was asked for on the command line; at most one of them."""

    variable: str = ""
    file: str = ""
    stdin: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.variable, self.file, self.stdin))) > 1:
            raise InputError("more than one source for the value", hint="give --from-env, --from-file or --stdin alone")


class ValueReader(Protocol):
    """Reads a new value from its source; a hidden prompt where none was named."""

    def __call__(self, source: ValueOptions, name: str, fields: Sequence[str]) -> Value:
        """The value of the token `name`.

        Args:
            source: the option that names where it is.
            name: the token, for the prompt and for errors.
            fields: the fields of its value.

        Raises:
            InputError: it is missing, or cannot be a token's value; it is never quoted.
            NeedsPerson: no source was named, and there is no terminal.
        """
        ...
