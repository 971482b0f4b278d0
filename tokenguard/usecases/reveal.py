"""Shows a value on a terminal, with an audit event before."""

from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.second_person import SensitiveKind
from tokenguard.errors import InputError
from tokenguard.ports.given_value import value_to_give
from tokenguard.usecases.disclose import check_in_place, disclosed_detail
from tokenguard.usecases.parts import HasClock, HasPrinter, HasSecondPerson, HasStore, HasTerminal


class RevealParts(HasClock, HasPrinter, HasSecondPerson, HasStore, HasTerminal, Protocol):
    """What this use case takes."""


def reveal_on_terminal(parts: RevealParts, snapshot: Snapshot) -> None:
    """Show the live value on the controlling terminal, between its intent and its outcome in the audit trail.

    Raises:
        InputError: there is no value, or stdout is not a terminal.
        Unreachable: the intent could not be written; nothing was shown.
    """
    record, store = snapshot.document.record, parts.store
    tty, second = parts.tty, parts.second_person
    operations = second.on_token(snapshot, SensitiveKind.REVEAL)
    if tty is None or not parts.screen.to_terminal or parts.screen.as_json:
        if parts.requesting:
            second.authorise(operations)
        raise InputError("values are shown on a terminal only", hint="use deliveries, `exec` or `env` for programs")
    approved = second.authorise(operations)
    live = value_to_give(store, snapshot)
    if live is None:
        raise InputError(f"the store has no live value of {record.name}", hint="see `tokenguard show` without --reveal")

    check_in_place(record, live)

    def event(phase: Phase) -> Event:
        detail: Detail = {**disclosed_detail(live), "to": "terminal", **(approved if phase is Phase.INTENT else {})}
        return Event(
            at=parts.clock.now(), op=Op.DISCLOSE, phase=phase, actor=store.actor(), name=record.name, detail=detail
        )

    told = store.commit(snapshot.id, snapshot.version, snapshot.document, [event(Phase.INTENT)])
    for field in live.value.names:
        label = "" if len(live.value.names) == 1 else f"{field}: "
        tty.show(f"{label}{live.value.field(field).reveal()}")
    store.commit(snapshot.id, told.version, told.document, [event(Phase.OUTCOME)])
