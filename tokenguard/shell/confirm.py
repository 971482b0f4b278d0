"""The last question before something happens."""

from tokenguard.errors import InputError
from tokenguard.shell.tty import Tty


def confirm(tty: Tty, what: str, *, undone: str) -> None:
    """Ask for `yes`; InputError for any other answer.

    Args:
        tty: where the person is.
        what: what happens then: `go on`, `write these files`.
        undone: what has not happened after another answer: `done`, `written`.
    """
    if tty.ask(f"Type yes to {what}: ").lower() != "yes":
        raise InputError(f"not confirmed; nothing was {undone}", hint="answer yes, or give --yes")
