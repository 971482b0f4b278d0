"""Where a new value comes from. Never from an argument."""

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
