"""The delivery port: pushes a value to a consumer and verifies it there."""

from enum import StrEnum, unique
from typing import Protocol

from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer
from tokenguard.ports.secret_listing import SecretListing


@unique
class ConsumerVerdict(StrEnum):
    """The result of verifying a consumer."""

    EXPECTED = "this"
    """It holds the expected value."""
    DIFFERENT = "other"
    UNKNOWN = "unknown"
    """It cannot be read back."""


class Delivery(Protocol):
    """One kind of consumer. Methods raise Unreachable (try again) or InputError (the target is not acceptable)."""

    def check(self, consumer: Consumer) -> None:
        """Validate a target without any effect. Called at declaration and before a rotation."""
        ...

    def push(self, consumer: Consumer, value: Value) -> None:
        """Deliver the value, which may be the previous one again. Idempotent."""
        ...

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Check whether the consumer holds the value."""
        ...


class Deliveries(Protocol):
    """Finds the delivery for a consumer."""

    def of(self, consumer: Consumer) -> Delivery | None:
        """Return the delivery; None for a person, whom the Operator asks."""
        ...

    def check_command(self, name: str) -> None:
        """Validate a command of this runner's configuration without running it; InputError if it cannot run."""
        ...

    def run_command(self, name: str) -> str:
        """Run it without a value; returns what is wrong with how it ended, empty text if nothing is."""
        ...


class SurveyedDeliveries(Deliveries, Protocol):
    """Deliveries that also tell what is wrong with a consumer, and what a host holds."""

    def warnings(self, consumer: Consumer) -> tuple[str, ...]:
        """What is unsafe about a consumer, without asking it; nothing that was told in this run already."""
        ...

    def survey(self, address: str) -> SecretListing:
        """The secrets that a host holds; InputError if it cannot list them."""
        ...
