"""The use case of `edit --clock-was-ahead`: a person says that this clock is right, and a record's times are wrong."""

from typing import Protocol

from tokenguard.audit.dated_ahead import CORRECTED
from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Event, Op
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.inventory.admission import checked_text
from tokenguard.ports.clock import is_behind
from tokenguard.rotation.corrected_times import corrected
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.parts import HasClock, HasStore, HasTerminal
from tokenguard.usecases.token_lookup import known_token


class CorrectTimesParts(HasClock, HasStore, HasTerminal, Protocol):
    """What this use case takes."""


def correct_times(parts: CorrectTimesParts, name: TokenName, reason: str, *, confirmed: bool) -> Snapshot:
    """Remove the times of a token that are later than now, in one commit with its event; also in an open operation.

    Raises:
        InputError: none of them is, or the reason is empty.
        NeedsPerson: there is no terminal to confirm it.
    """
    snapshot, now = known_token(parts.store, name), parts.clock.now()
    said, latest = checked_text(parts.store, reason, what="reason"), snapshot.document.latest
    if not said:
        raise InputError("the reason is empty", hint="give the reason in one line; it is recorded")
    if not is_behind(now, latest):
        raise InputError(
            f"no time of {name} is later than this machine's clock",
            hint="`tokenguard doctor` names the records whose times are",
        )
    if parts.tty is None:
        raise NeedsPerson(
            "only a person can say that this machine's clock is right",
            hint=f"in a terminal: tokenguard edit {name} --clock-was-ahead REASON",
        )
    if not confirmed:
        parts.tty.show(f"{name}: recorded at {latest:%Y-%m-%d %H:%M} UTC; now it is {now:%Y-%m-%d %H:%M} UTC here")
        parts.tty.show("  later times are removed: the age of the token may become unknown, and waits begin anew")
        confirm(parts.tty, "this clock is right", undone="changed", hint="answer yes")
    event = Event(
        at=now, op=Op.EDIT, actor=parts.store.actor(), name=name,
        detail={"fields": "times", CORRECTED: latest.isoformat(timespec="seconds"), "reason": said},
    )  # fmt: skip
    return parts.store.commit(snapshot.id, snapshot.version, corrected(snapshot.document, now), [event])
