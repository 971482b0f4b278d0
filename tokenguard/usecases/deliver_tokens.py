"""Compares the consumers of tokens with the store, and brings those back that differ, without a rotation."""

from collections.abc import Iterator
from enum import StrEnum, unique
from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import HandoverLevel
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import Consumer
from tokenguard.errors import ExitCode, Tampered, TokenguardError, Unfinished
from tokenguard.frozen import Frozen
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.store import FieldState, Live
from tokenguard.usecases.detect_drift import consumer_states
from tokenguard.usecases.parts import HasDeliveries, HasEngine, HasStore


class DeliverTokensParts(HasDeliveries, HasEngine, HasStore, Protocol):
    """What this use case takes."""


@unique
class ConsumerResult(StrEnum):
    """What a consumer has."""

    HOLDS = "holds the live value"
    DELIVERED = "delivered"
    DIFFERS = "differs"
    UNKNOWN = "cannot be read back"
    COMMAND_OWED = "holds it, but its command has not succeeded"
    PERSON = "a person has to check it"
    FAILED = "failed"


OWED = frozenset({ConsumerResult.DIFFERS, ConsumerResult.COMMAND_OWED})
"""What `deliver` mends."""


class ConsumerCheck(Frozen, frozen=True, kw_only=True):
    """One consumer of one token, compared with the store."""

    name: TokenName
    consumer: Consumer | None
    """None: the token itself stands in the way, as `error` says."""
    result: ConsumerResult
    error: TokenguardError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of this consumer alone."""
        if self.error is not None:
            return self.error.exit_code
        codes = {ConsumerResult.DIFFERS: ExitCode.FINDINGS, ConsumerResult.COMMAND_OWED: ExitCode.UNFINISHED}
        return codes.get(self.result, ExitCode.OK)


def compare_consumers(parts: DeliverTokensParts, snapshot: Snapshot) -> Iterator[ConsumerCheck]:
    """Compare each consumer of a token with the live value; nothing is changed."""
    record = snapshot.document.record
    try:
        live = value_to_give(parts.store, snapshot)
        error = _obstacle(snapshot, live)
    except Tampered as found:
        live, error = None, found
    if error is not None:
        yield ConsumerCheck(name=record.name, consumer=None, result=ConsumerResult.FAILED, error=error)
        return
    for consumer, holds in consumer_states(parts, record, live):
        if isinstance(holds, TokenguardError):
            yield ConsumerCheck(name=record.name, consumer=consumer, result=ConsumerResult.FAILED, error=holds)
        else:
            result = _result(holds)
            if result is ConsumerResult.HOLDS and _owes_command(snapshot, consumer):
                result = ConsumerResult.COMMAND_OWED
            yield ConsumerCheck(name=record.name, consumer=consumer, result=result)


def deliver_differing(parts: DeliverTokensParts, snapshot: Snapshot, *, unread: bool) -> Iterator[ConsumerCheck]:
    """Deliver the live value where a consumer does not have it.

    Args:
        parts: what it takes of the process.
        snapshot: the token.
        unread: deliver also where the value cannot be read back.
    """
    for found in compare_consumers(parts, snapshot):
        again = found.result in OWED or (unread and found.result is ConsumerResult.UNKNOWN)
        if found.consumer is None or not again:
            yield found
            continue
        try:
            with parts.working_on(found.name):
                parts.engine.deliver(snapshot.id, [found.consumer], reason="delivered again")
        except TokenguardError as error:
            yield ConsumerCheck(name=found.name, consumer=found.consumer, result=ConsumerResult.FAILED, error=error)
        else:
            yield ConsumerCheck(name=found.name, consumer=found.consumer, result=ConsumerResult.DELIVERED)


def _obstacle(snapshot: Snapshot, live: Live | None) -> TokenguardError | None:
    """Why there is no value now that consumers could be compared with."""
    record = snapshot.document.record
    if snapshot.document.busy:
        hint = f"tokenguard rotate {record.name} --resume delivers its new value"
        return Unfinished(f"an operation on {record.name} is open", hint=hint)
    if live is not None and live.found is not FieldState.EXPECTED:
        return UnexpectedValue.at(record.location.url)
    return None


def _owes_command(snapshot: Snapshot, consumer: Consumer) -> bool:
    """Whether the command after the last delivery was not seen to succeed."""
    document = snapshot.document
    handovers = document.journal.handovers if document.journal is not None else ()
    last = next((each.level for each in handovers if each.consumer == consumer), None)
    return bool(document.record.command_after(consumer)) and last not in {None, HandoverLevel.CONFIRMED}


def _result(holds: ConsumerVerdict | None) -> ConsumerResult:
    if holds is None:
        return ConsumerResult.PERSON
    return {
        ConsumerVerdict.EXPECTED: ConsumerResult.HOLDS,
        ConsumerVerdict.DIFFERENT: ConsumerResult.DIFFERS,
        ConsumerVerdict.UNKNOWN: ConsumerResult.UNKNOWN,
    }[holds]
