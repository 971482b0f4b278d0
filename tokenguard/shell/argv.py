"""A token on the command line is a leak already: it is refused before anything else happens, and never echoed."""

import re
from collections.abc import Sequence

from tokenguard.errors import InputError

_ISSUED = re.compile(
    r"dx_(?:bearer|secret)_|sk-social-|tgcanary|github_pat_|gh[opsur]_|glpat-|xox[abeprs]-|npm_|pypi-|AKIA|eyJ|hv[sb]\."
)
"""How issued credentials begin; enough of the rest must follow."""
_MIN_ISSUED = 16
_OPAQUE = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])[A-Za-z0-9_+-]{32,}")
_PARTS = re.compile(r"[/=#:,@\s]+")


def refuse_values(arguments: Sequence[str]) -> None:
    """Refuse an argument that looks like a token's value (InputError, exit 2).

    What follows `--` belongs to the child of `exec` and is not ours to judge.
    """
    own = arguments[: arguments.index("--")] if "exec" in arguments and "--" in arguments else arguments
    if any(_looks_issued(part) for argument in own for part in _PARTS.split(argument)):
        raise InputError(
            "an argument looks like the value of a token",
            hint="give values by the hidden prompt, --stdin, --from-file or --from-env; the one that was typed is in "
            "your shell history and was visible to other processes: rotate it",
        )


def _looks_issued(part: str) -> bool:
    if (found := _ISSUED.match(part)) is not None:
        return len(part) >= max(_MIN_ISSUED, found.end() + 8)
    return _OPAQUE.fullmatch(part) is not None
