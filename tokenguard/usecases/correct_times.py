"""The use cases of `--clock-was-ahead`: a person says that this clock is right, and later times are wrong."""

from datetime import datetime
from typing import Protocol

from tokenguard.domain.clock_correction import CORRECTED
from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Event, Op
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.inventory.admission import checked_if_readable, checked_text
from tokenguard.ports.clock import is_behind
from tokenguard.rotation.corrected_times import corrected
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.parts import HasApprovals, HasClock, HasStore, HasTerminal
from tokenguard.usecases.token_lookup import known_token


class CorrectTimesParts(HasClock, HasStore, HasTerminal, Protocol):
    """What this use case takes."""


class CorrectApprovalsParts(CorrectTimesParts, HasApprovals, Protocol):
    """The same for the approvals."""


def correct_times(parts: CorrectTimesParts, name: TokenName, reason: str, *, confirmed: bool) -> Snapshot:
    """Remove the times of a token that are later than now, in one commit with its event; also in an open operation.

    Raises:
        InputError: none of them is, or the reason is empty.
        NeedsPerson: there is no terminal to confirm it.
    """
    snapshot, now = known_token(parts.store, name), parts.clock.now()
    said, latest = _said(checked_text(parts.store, reason, what="reason")), snapshot.document.latest
    effect = "later times are removed: the age of the token may become unknown, and waits begin anew"
    _confirm(parts, name, latest, effect, command=f"edit {name}", confirmed=confirmed)
    event = Event(
        at=now, op=Op.EDIT, actor=parts.store.actor(), name=name,
        detail={"fields": "times", CORRECTED: latest.isoformat(timespec="seconds"), "reason": said},
    )  # fmt: skip
    return parts.store.commit(snapshot.id, snapshot.version, corrected(snapshot.document, now), [event])


def correct_approvals(parts: CorrectApprovalsParts, reason: str, *, confirmed: bool) -> None:
    """Record that the times in the trail of the approvals that are later than now are wrong.

    Raises:
        InputError: none of them is, or the reason is empty.
        NeedsPerson: there is no terminal to confirm it.
    """
    said = _said(checked_if_readable(parts.store, reason, what="reason"))
    effect = "approvals of later than now are removed; the others are valid again"
    latest = parts.approvals.latest_entry
    _confirm(parts, "the approvals", latest, effect, command="approve", confirmed=confirmed)
    parts.approvals.correct_times(said)


def _said(reason: str) -> str:
    if not reason:
        raise InputError("the reason is empty", hint="give the reason in one line; it is recorded")
    return reason


def _confirm(
    parts: CorrectTimesParts, what: str, latest: datetime, effect: str, *, command: str, confirmed: bool
) -> None:
    now = parts.clock.now()
    if not is_behind(now, latest):
        raise InputError(
            f"no time of {what} is later than this machine's clock",
            hint="`tokenguard doctor` names the records whose times are",
        )
    if parts.tty is None:
        raise NeedsPerson(
            "only a person can say that this machine's clock is right",
            hint=f"in a terminal: tokenguard {command} --clock-was-ahead REASON",
        )
    if not confirmed:
        parts.tty.show(f"{what}: recorded at {latest:%Y-%m-%d %H:%M} UTC; now it is {now:%Y-%m-%d %H:%M} UTC here")
        parts.tty.show(f"  {effect}")
        confirm(parts.tty, "this clock is right", undone="changed", hint="answer yes")
