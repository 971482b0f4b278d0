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
_IDS_FOLLOW = frozenset(
    {
        "--account", "--adopt", "--all-of", "--base-url", "--config", "--deliver", "--deputy", "--from-file",
        "--label", "--made-by", "--output", "--permission", "--recovery-file", "--scope", "--scope-name", "--store",
    }
)  # fmt: skip
"""Options whose values are ids and places, which may be long and random without being secret."""
_PATH = re.compile(r"~?/|\.\.?/")


def refuse_values(arguments: Sequence[str]) -> None:
    """Refuse an argument that looks like a token's value (InputError, exit 2).

    What is issued under a known beginning is refused everywhere; what is merely long and random, where no id belongs.
    What follows `--` belongs to the child of `exec` and is not ours to judge.
    """
    own = arguments[: arguments.index("--")] if "exec" in arguments and "--" in arguments else arguments
    if any(_holds_value(argument, option) for option, argument in zip(("", *own), own, strict=False)):
        raise InputError(
            "an argument looks like the value of a token",
            hint="give values by the hidden prompt, --stdin, --from-file or --from-env; the one that was typed is in "
            "your shell history and was visible to other processes: rotate it",
        )


def _holds_value(argument: str, before: str) -> bool:
    option = argument.partition("=")[0] if argument.startswith("--") else before
    parts = _PARTS.split(argument)
    if any(map(_issued, parts)):
        return True
    return option not in _IDS_FOLLOW and not _PATH.match(argument) and any(map(_OPAQUE.fullmatch, parts))


def _issued(part: str) -> bool:
    found = _ISSUED.match(part)
    return found is not None and len(part) >= max(_MIN_ISSUED, found.end() + 8)
