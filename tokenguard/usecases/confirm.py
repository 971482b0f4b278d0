"""The last question before something happens."""

from tokenguard.errors import InputError, NeedsPerson
from tokenguard.ports.terminal import Terminal


def confirm(
    tty: Terminal, what: str, *, undone: str, hint: str = "answer yes, or give --yes", needed: bool = False
) -> None:
    """Ask for `yes`; an error for any other answer.

    Args:
        tty: where the person is.
        what: what happens then: `go on`, `write these files`.
        undone: what has not happened after another answer: `done`, `written`.
        hint: what to do if it was meant.
        needed: raise NeedsPerson (exit 3) instead of InputError (exit 2), for what only a person may start.
    """
    if tty.ask(f"Type yes to {what}: ").lower() != "yes":
        raise (NeedsPerson if needed else InputError)(f"not confirmed; nothing was {undone}", hint=hint)


def confirm_number(tty: Terminal, what: str, number: int) -> None:
    """Ask for the number of tokens, which is not typed from habit; InputError (exit 2) for any other answer.

    Args:
        tty: where the person is.
        what: what happens then, with the number in it: `this revokes 3 tokens`.
        number: the answer that confirms.
    """
    if tty.ask(f"{what}; type the number to continue: ").strip() != str(number):
        raise InputError("not confirmed", hint="nothing was done; type the number of tokens to confirm")
