"""The last question before something happens."""

from tokenguard.errors import NeedsPerson
from tokenguard.ports.terminal import Terminal


def confirm(tty: Terminal, what: str, *, undone: str, hint: str = "answer yes, or give --yes") -> None:
    """Ask for `yes`; NeedsPerson (exit 3) for any other answer, as where there is no terminal to ask on.

    Args:
        tty: where the person is.
        what: what happens then: `go on`, `write these files`.
        undone: what has not happened after another answer: `done`, `written`.
        hint: what to do if it was meant.
    """
    if tty.ask(f"Type yes to {what}: ").lower() != "yes":
        raise NeedsPerson(f"not confirmed; nothing was {undone}", hint=hint)


def confirm_number(tty: Terminal, what: str, number: int) -> None:
    """Ask for the number of tokens, which is not typed from habit; NeedsPerson (exit 3) for any other answer.

    Args:
        tty: where the person is.
        what: what happens then, with the number in it: `this revokes 3 tokens`.
        number: the answer that confirms.
    """
    if tty.ask(f"{what}; type the number to continue: ").strip() != str(number):
        raise NeedsPerson("not confirmed", hint="nothing was done; type the number of tokens to confirm")
