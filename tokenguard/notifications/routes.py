"""Routes: who is told what, and over which channel."""

from collections.abc import Callable, Iterable
from typing import Protocol

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.notifications.message import NotificationMessage
from tokenguard.notifications.notification import Notification, NotificationKind, is_at_least
from tokenguard.notifications.outbox import SendResult
from tokenguard.policy.model import Severity


class NotificationChannel(Protocol):
    """Carries messages to one receiver."""

    def send(self, message: NotificationMessage) -> SendResult:
        """Send it once; a failure is part of the result."""
        ...


class NotificationRoute(Frozen, frozen=True, kw_only=True):
    """One receiver, and what it takes."""

    name: str
    owners: tuple[str, ...]
    severity: Severity
    events: tuple[str, ...]
    per_hour: int
    size: int = 200
    """How many notifications one message can hold."""
    grouped: bool = False
    """Everything goes into one message: people read it."""
    open: Callable[[], NotificationChannel]
    """Prepares sending; InputError if a credential is missing."""

    def takes(self, found: Notification) -> bool:
        """Whether the route is for it."""
        if found.kind is NotificationKind.TEST:
            return True
        return (
            (not self.owners or found.owner in self.owners)
            and (not self.events or found.kind in self.events)
            and is_at_least(found.kind.severity, self.severity)
        )


def routes_named(routes: Iterable[NotificationRoute], names: Iterable[str]) -> tuple[NotificationRoute, ...]:
    """Those with these names, all for none; InputError for a name that is not configured."""
    known, wanted = {each.name: each for each in routes}, tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise InputError(
                "that route is not configured", hint=f"[notify.routes] has: {', '.join(known) or 'no route'}"
            )
    return tuple(known[name] for name in wanted or known)
