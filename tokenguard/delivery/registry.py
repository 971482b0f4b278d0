"""Finds the delivery for a consumer, and reads what people write for one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from tokenguard.domain.names import segment
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.ports.delivery import Delivery
from tokenguard.text import safe_text

if TYPE_CHECKING:
    from tokenguard.delivery.command import CommandSettings

_LONGEST = 400


class Deliveries:
    """Implements `ports.delivery.Deliveries`; `commands` are those of the runner's own config."""

    def __init__(self, commands: Mapping[str, "CommandSettings"] | None = None) -> None:
        self._commands = commands or {}

    def of(self, consumer: Consumer) -> Delivery | None:
        """The delivery of the consumer's kind; None for a person, whom the Operator asks."""
        match consumer.kind:
            case ConsumerKind.DOTENV:
                from tokenguard.delivery.dotenv import DotenvDelivery  # noqa: PLC0415 - loaded when it is used

                return DotenvDelivery()
            case ConsumerKind.COMMAND:
                from tokenguard.delivery.command import CommandDelivery  # noqa: PLC0415

                return CommandDelivery(self._commands)
            case ConsumerKind.PERSON:
                return None
        assert_never(consumer.kind)

    def warnings(self, consumer: Consumer) -> tuple[str, ...]:
        """What a person should know about an acceptable consumer, for `add`, `edit` and `doctor`; no effect."""
        if consumer.kind is not ConsumerKind.DOTENV:
            return ()
        from tokenguard.delivery.dotenv import DotenvDelivery  # noqa: PLC0415

        return DotenvDelivery().warnings(consumer)


def parse_consumer(text: str, *, base: Path) -> Consumer:
    """Read `dotenv:PATH#VARIABLE`, `command:NAME` or `person:TEXT`; InputError (exit 2).

    A path is made absolute against `base` and its directory is resolved, so that the record pins one place.
    Nothing is opened, and whether the target can be pushed to is `Delivery.check`'s to say.
    """
    kind, colon, target = text.partition(":")
    if not colon or kind not in set(ConsumerKind) or not target:
        raise _bad(text)
    if len(text) > _LONGEST or safe_text(text, one_line=True) != text:
        raise InputError(
            "a consumer's target is too long or holds control characters",
            hint=f"write it in one line of at most {_LONGEST} characters",
        )
    match ConsumerKind(kind):
        case ConsumerKind.DOTENV:
            return Consumer(ConsumerKind.DOTENV, _absolute(target, base))
        case ConsumerKind.COMMAND:
            return Consumer(ConsumerKind.COMMAND, segment(target, what="command name"))
        case ConsumerKind.PERSON:
            if not target.strip():
                raise _bad(text)
            return Consumer(ConsumerKind.PERSON, target.strip())


def _absolute(target: str, base: Path) -> str:
    from tokenguard.delivery.dotenv import Target  # noqa: PLC0415

    path, _, variable = target.rpartition("#")
    if not path or path.endswith("/") or Path(path).name in {"", "..", "~"}:
        raise _bad(f"dotenv:{target}")
    try:
        place = base / Path(path).expanduser()
        resolved = place.parent.resolve() / place.name
    except (RuntimeError, OSError):
        raise _bad(f"dotenv:{target}") from None
    return f"{Target.parse(f'{resolved}#{variable}').path}#{variable}"


def _bad(text: str) -> InputError:
    return InputError(
        f"not a consumer: {safe_text(text, one_line=True, limit=80)!r}",
        hint="write dotenv:PATH#VARIABLE, command:NAME or person:TEXT",
    )
