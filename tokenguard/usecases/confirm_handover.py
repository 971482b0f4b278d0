"""Asks the operator to confirm manual deliveries during `apply`."""

from typing import Protocol

from tokenguard.domain.token import ConsumerKind
from tokenguard.errors import NeedsPerson, TokenguardError
from tokenguard.provisioning.decide import undelivered
from tokenguard.provisioning.plan_model import Wait
from tokenguard.provisioning.review import reason_of
from tokenguard.rotation.batch import BatchResult
from tokenguard.usecases.load_manifest import PlannedManifest
from tokenguard.usecases.parts import HasEngine, HasTerminal


class ConfirmHandoverParts(HasEngine, HasTerminal, Protocol):
    """What this use case takes."""


def hand_over(parts: ConfirmHandoverParts, held: PlannedManifest) -> list[BatchResult]:
    """Ask about each waiting delivery; does nothing without a terminal."""
    if parts.tty is None:
        return []
    results = []
    for todo in held.plan.todos:
        if todo.wait is not Wait.HAND_OVER:
            continue
        found = held.inventory[todo.name]
        people = [each for each in undelivered(found.document) if each.kind is ConsumerKind.PERSON]
        try:
            with parts.working_on(todo.name):
                parts.engine.deliver(found.id, people, reason=reason_of(held.plan.digest, "hand-over"))
        except NeedsPerson:
            continue  # postponed: it stays on the list
        except TokenguardError as error:
            results.append(BatchResult(name=todo.name, error=error))
        else:
            results.append(BatchResult(name=todo.name))
    return results
