"""How a value reaches a consumer, and how we know it did."""

from enum import StrEnum, unique
from typing import Protocol

from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer


@unique
class Holds(StrEnum):
    """What a look at a consumer says."""

    THIS = "this"
    """It holds the value asked about."""
    OTHER = "other"
    UNKNOWN = "unknown"
    """It cannot be read back."""


class Delivery(Protocol):
    """One kind of consumer. Methods raise Unreachable (try again) or InputError (the target is not acceptable)."""

    def check(self, consumer: Consumer) -> None:
        """Refuse a target that could never be pushed to; no effect. Called at declaration and before a rotation."""
        ...

    def push(self, consumer: Consumer, value: Value) -> None:
        """Give the consumer the value, which may be the previous one again; safe to repeat."""
        ...

    def verify(self, consumer: Consumer, value: Value) -> Holds:
        """Look whether the consumer holds the value."""
        ...


class Deliveries(Protocol):
    """Finds the delivery for a consumer."""

    def of(self, consumer: Consumer) -> Delivery | None:
        """None for a person, whom the Operator asks."""
        ...
