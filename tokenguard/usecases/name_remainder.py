"""Says which tokens of an interrupted batch are left."""

import shlex
from collections.abc import Sequence
from contextlib import suppress

from tokenguard.domain.names import TokenName
from tokenguard.errors import TokenguardError
from tokenguard.text import pluralize
from tokenguard.usecases.parts import HasOpenWork


def name_remainder(parts: HasOpenWork, left: Sequence[TokenName], command: Sequence[str]) -> None:
    """Name the tokens that are left: the same command would repeat those that are done.

    Args:
        parts: what it takes of the process; its `unfinished` is printed when the interrupt is reported.
        left: the tokens that have not ended.
        command: the command's name and options; with `--due` it finds the rest itself.
    """
    begun = None
    with suppress(TokenguardError):
        begun = parts.open_operation()
    rest = [name for name in left if name != begun]
    go_on = [f"continue with `tokenguard {parts.resumed_by} {begun} --resume`"] if begun else []
    if not rest:
        parts.unfinished = "; ".join(["nothing is lost", *go_on])
        return
    verb, *options = command
    line = shlex.join(["tokenguard", verb, *(() if "--due" in options else rest), *options])
    parts.unfinished = "; ".join([*go_on, f"{pluralize(len(rest), 'token')} left: `{line}`"])
