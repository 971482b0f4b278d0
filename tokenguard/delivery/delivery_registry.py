"""Finds the delivery for a consumer, and reads what people write for one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.domain.names import segment
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.ports.delivery import Delivery
from tokenguard.ports.external_fields import ExternalField
from tokenguard.ports.secret_listing import SecretListing
from tokenguard.text import is_plain_line, safe_text

if TYPE_CHECKING:
    from tokenguard.delivery.command import CommandSettings
    from tokenguard.delivery.hosts import Hosts

_LONGEST = 400


class DeliveryRegistry:
    """Implements `ports.delivery.Deliveries`.

    Args:
        commands: those of the runner's own config.
        hosts: makes what asks the hosts of the runner's own config, when first needed.
        place: finds a consumer that is a field of a Vault or of Secrets Manager.
        environ: of this process; files on a runner that a CI throws away are refused.
    """

    def __init__(
        self,
        commands: Mapping[str, "CommandSettings"] | None = None,
        *,
        hosts: Callable[[], "Hosts"] | None = None,
        place: Callable[[Consumer], ExternalField] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._commands = commands or {}
        self._hosts = hosts
        self._place = place
        self._environ = environ
        self._made: dict[ConsumerKind, Delivery] = {}
        self._given = set[str]()

    def of(self, consumer: Consumer) -> Delivery | None:
        """The delivery of the consumer's kind, one for the whole process; None for a person, whom the Operator asks."""
        if consumer.kind is ConsumerKind.PERSON:
            return None
        if consumer.kind not in self._made:
            self._made[consumer.kind] = self._make(consumer.kind)
        return self._made[consumer.kind]

    def _make(self, kind: ConsumerKind) -> Delivery:
        if kind is ConsumerKind.DOTENV:
            from tokenguard.delivery.dotenv import DotenvDelivery  # each is loaded when it is used

            return DotenvDelivery(self._environ)
        if kind is ConsumerKind.COMMAND:
            from tokenguard.delivery.command import CommandDelivery

            return CommandDelivery(self._commands)
        if kind.is_field and self._place is not None:
            from tokenguard.delivery.field import PlaceDelivery

            return PlaceDelivery(self._place)
        from tokenguard.delivery.remote import delivery_to

        return delivery_to(kind, self._asked_hosts(kind))

    def check_command(self, name: str) -> None:
        """Validate a command that runs after a delivery."""
        from tokenguard.delivery.command import CommandDelivery

        CommandDelivery(self._commands).check_command(name)

    def run_command(self, name: str) -> str:
        """Run it; returns how it failed, empty text if it did not."""
        from tokenguard.delivery.command import CommandDelivery

        return CommandDelivery(self._commands).run_command(name)

    def survey(self, address: str) -> SecretListing:
        """A walk through the secrets at one of the hosts; InputError if the address is none, or not configured here."""
        from tokenguard.delivery.surveys import HostSurvey

        return HostSurvey(self._asked_hosts(address.partition(":")[0]), address)

    def _asked_hosts(self, kind: str) -> "Hosts":
        if self._hosts is None:
            raise InputError(
                f"no destination of kind {kind} is configured",
                hint=("run it on a machine with configured destinations"),
            )
        return self._hosts()

    def warnings(self, consumer: Consumer) -> tuple[str, ...]:
        """Warnings about a valid consumer, for `add` and `edit`; read-only. Each is given once: checks are repeated."""
        if consumer.kind is not ConsumerKind.DOTENV:
            return ()
        from tokenguard.delivery.dotenv import DotenvDelivery

        found = tuple(each for each in DotenvDelivery().warnings(consumer) if each not in self._given)
        self._given.update(found)
        return found


def parse_consumer(text: str, *, base: Path) -> Consumer:
    """Read `KIND:TARGET` (the kinds are those of `ConsumerKind`); InputError (exit 2).

    A path is made absolute against `base` and its directory is resolved, so that the record pins one place. A field is
    pinned to no server yet. Nothing is opened, and whether the target can be pushed to is `Delivery.check`'s to say.
    """
    kind, colon, target = text.partition(":")
    if not colon or kind not in set(ConsumerKind) or not target:
        raise _bad(text)
    if len(text) > _LONGEST or not is_plain_line(text):
        raise InputError(
            "a consumer's target is too long or holds control characters",
            hint=f"write it in one line of at most {_LONGEST} printable characters, and in UTF-8",
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
        case remote:
            from tokenguard.delivery.targets import canonical

            return Consumer(remote, canonical(remote, target))


def _absolute(target: str, base: Path) -> str:
    from tokenguard.delivery.dotenv import Target

    path, _, variable = target.rpartition("#")
    if not path or path.endswith("/") or Path(path).name in {"", "..", "~"}:
        raise _bad(f"dotenv:{target}")
    try:
        place = base / Path(path).expanduser()
        resolved = place.parent.resolve() / place.name
    except (RuntimeError, OSError):
        raise _bad(f"dotenv:{target}") from None
    _check_text(resolved)
    return f"{Target.parse(f'{resolved}#{variable}').path}#{variable}"


def _check_text(path: Path) -> None:
    """A record is text: a folder whose name is not UTF-8 cannot be written down, nor found again by it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"the path of the consumer is not UTF-8: {safe_text(str(path), one_line=True, limit=200)}",
            hint="rename that folder or file (`mv`), or deliver to another place",
        ) from None


def _bad(text: str) -> InputError:
    return InputError(
        f"not a consumer: {safe_text(text, one_line=True, limit=80)!r}",
        hint="write dotenv:PATH#VARIABLE, command:NAME, person:TEXT, or one of those in docs/deliveries.md",
    )
