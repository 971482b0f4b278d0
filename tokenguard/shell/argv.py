"""Refuses arguments that look like token values, before anything else happens, without echoing them."""

import re
from collections.abc import Sequence

from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.token_fields import FIELDS
from tokenguard.errors import InputError

_IDS_FOLLOW = frozenset(
    {
        "--adopt", "--all-of", "--base-url", "--config", "--deliver", "--from-file", "--output", "--permission",
        "--recovery-file", "--scope", "--store", *(each.option for each in FIELDS if each.ids),
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
            "an argument looks like a token value",
            hint=(
                "give values by the hidden prompt, --stdin, --from-file or --from-env; the typed value is in your "
                "shell history and was visible to other processes: rotate it"
            ),
        )


def _holds_value(argument: str, before: str) -> bool:
    option = argument.partition("=")[0] if argument.startswith("--") else before
    if holds_issued(argument):
        return True
    return option not in _IDS_FOLLOW and not _PATH.match(argument) and holds_opaque(argument)
