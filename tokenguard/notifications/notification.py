"""One notification: what happened to which token, whom it concerns, and the command to run. Never a value."""

import hashlib
import shlex
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum, unique

from tokenguard.frozen import Frozen
from tokenguard.policy.model import Severity

_ID = 16
"""Hex digits of an id."""


@unique
class NotificationKind(StrEnum):
    """The reason to notify."""

    LEAK = "leak"
    UNPROVEN = "revoke-unproven"
    """A revocation has started and is not confirmed."""
    BREAK_GLASS = "break-glass"
    """An operation was run without its second person, and is not reviewed."""
    FAILED = "failed"
    """Upkeep could not do something, or found a token that no longer works."""
    OVERDUE = "overdue"
    UPKEEP_MISSED = "upkeep-missed"
    LOGIN_ENDS = "login-ends"
    """The runner's own access to the store expires."""
    WAITING = "waiting"
    """An operation waits for a person."""
    DRIFT = "drift"
    ORPHAN = "orphan"
    """A token at a provider has no record."""
    DUE = "due"
    WAIVER_ENDS = "waiver-ends"
    TEST = "test"

    @property
    def severity(self) -> Severity:
        """How urgent it is."""
        return _SEVERITY.get(self, Severity.WARNING)


_SEVERITY = {
    NotificationKind.LEAK: Severity.ERROR,
    NotificationKind.UNPROVEN: Severity.ERROR,
    NotificationKind.BREAK_GLASS: Severity.ERROR,
    NotificationKind.FAILED: Severity.ERROR,
    NotificationKind.OVERDUE: Severity.ERROR,
    NotificationKind.UPKEEP_MISSED: Severity.ERROR,
    NotificationKind.LOGIN_ENDS: Severity.ERROR,
    NotificationKind.WAIVER_ENDS: Severity.NOTE,
    NotificationKind.TEST: Severity.NOTE,
}
IMMEDIATE = frozenset({NotificationKind.LEAK, NotificationKind.UNPROVEN, NotificationKind.BREAK_GLASS})
"""What the command that causes it also sends, without waiting for the next `notify`."""
_RUNS = frozenset({"exec", "--config", "--after"})
"""Words of command lines that run a program, or name a file that does."""
_MOST_URGENT_FIRST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


class Notification(Frozen, frozen=True, kw_only=True):
    """What a person must be told, and the command that helps."""

    id: str
    """Stable: the same condition has the same id, on whichever runner and however often it is sent."""
    kind: NotificationKind
    name: str = ""
    """The token; empty if it concerns the whole store."""
    owner: str = ""
    """The team; empty if none is known."""
    says: str
    """One line."""
    command: str
    """What to run, with the store."""
    at: datetime
    """When the condition was found."""
    reminder: int = 0
    """The number of the reminder; 0: the first message."""

    @property
    def urgency(self) -> tuple[int, int, str, str]:
        """A sort key, most urgent first."""
        kinds = list(NotificationKind)
        return _MOST_URGENT_FIRST.index(self.kind.severity), kinds.index(self.kind), self.name, self.id


def notification_id(store_id: str, kind: NotificationKind, *facts: str) -> str:
    """The id of a condition: from the store, the kind and the facts that tell it from any other condition."""
    text = "\0".join((store_id, str(kind), *facts))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID]


def is_plain_command(command: str) -> bool:
    """Whether a command line is one of tokenguard alone that runs no other program, as people may paste it."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return words[:1] == ["tokenguard"] and not _RUNS.intersection(words) and shlex.join(words) == command


def is_at_least(found: Severity, wanted: Severity) -> bool:
    """Whether a severity reaches the wanted one."""
    return _MOST_URGENT_FIRST.index(found) <= _MOST_URGENT_FIRST.index(wanted)


def by_urgency(found: Iterable[Notification]) -> list[Notification]:
    """The most urgent first."""
    return sorted(found, key=lambda each: each.urgency)
