"""Hand-overs that a person must vouch for, asked of whoever sits at the terminal while `apply` runs."""

from tokenguard.cli.declaring import Held
from tokenguard.domain.token import ConsumerKind
from tokenguard.errors import NeedsPerson, TokenguardError
from tokenguard.provisioning.actions import Wait
from tokenguard.provisioning.deciding import undelivered
from tokenguard.provisioning.reviewing import reason_of
from tokenguard.rotation.batch import Result
from tokenguard.shell.wiring import Wiring


def hand_over(wiring: Wiring, held: Held) -> list[Result]:
    """Ask for each hand-over that waits; nothing where nobody may be asked."""
    if wiring.tty is None:
        return []
    results = []
    for todo in held.plan.todos:
        if todo.wait is not Wait.HAND_OVER:
            continue
        found = held.inventory[todo.name]
        people = [each for each in undelivered(found.document) if each.kind is ConsumerKind.PERSON]
        try:
            with wiring.working_on(todo.name):
                wiring.engine.deliver(found.id, people, reason=reason_of(held.plan.digest, "hand-over"))
        except NeedsPerson:
            continue  # left for later: it stays on the list
        except TokenguardError as error:
            results.append(Result(name=todo.name, error=error))
        else:
            results.append(Result(name=todo.name))
    return results
