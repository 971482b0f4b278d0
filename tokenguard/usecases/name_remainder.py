"""Says which tokens of an interrupted batch are left."""

import shlex
from collections.abc import Sequence
from contextlib import suppress

from tokenguard.domain.names import TokenName
from tokenguard.errors import TokenguardError
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted


def name_remainder(wiring: Wiring, left: Sequence[TokenName], command: Sequence[str]) -> None:
    """Name the tokens that are left: the same command would repeat those that are done.

    Args:
        wiring: the adapters in use; its `unfinished` is printed when the interrupt is reported.
        left: the tokens that have not ended.
        command: the command's name and options; with `--due` it finds the rest itself.
    """
    begun = None
    with suppress(TokenguardError):
        begun = wiring.open_operation()
    rest = [name for name in left if name != begun]
    go_on = [f"continue with `tokenguard rotate {begun} --resume`"] if begun else []
    if not rest:
        wiring.unfinished = "; ".join(["nothing is lost", *go_on])
        return
    verb, *options = command
    line = shlex.join(["tokenguard", verb, *(() if "--due" in options else rest), *options])
    wiring.unfinished = "; ".join([*go_on, f"{counted(len(rest), 'token')} left: `{line}`"])
