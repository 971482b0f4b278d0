"""A message: one or several notifications in the forms that receivers read. The command comes first, on one screen."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tokenguard.frozen import Frozen
from tokenguard.inventory.views import moment
from tokenguard.notifications.notification import Notification, notification_id
from tokenguard.text import pluralize, safe_text

LISTED = 5
"""Notifications that one screen has room for, each with its command and reason."""
_SCREEN = 24
"""Lines."""
_EACH = 4
"""Lines of a notification: command, what it concerns, one line of the reason, and an empty one."""
_REASON = 3
"""Lines that a reason may have if there is room: no reason is longer."""
DIGEST = "digest"
"""The event name of a webhook's body that holds several notifications."""
_WIDTH = 120


class NotificationMessage(Frozen, frozen=True):
    """What one message says."""

    store: str
    """The store's address."""
    store_id: str
    notifications: tuple[Notification, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Of what it holds."""
        return tuple(each.id for each in self.notifications)

    @property
    def digest_id(self) -> str:
        """The id of the message: that of its only notification, or one made of all ids."""
        first = self.notifications[0]
        return first.id if len(self.ids) == 1 else notification_id(self.store_id, first.kind, *self.ids)

    @property
    def subject(self) -> str:
        """One line: what, which token, how many more."""
        first, more = self.notifications[0], len(self.notifications) - 1
        about = f"{first.kind} {first.name}".strip()
        return _line(f"[tokenguard] {about}{f' and {more:,} more' if more else ''}", 100)

    @property
    def text(self) -> str:
        """For people: the command first, then why, then where."""
        several = len(self.notifications) > LISTED
        shown = self.notifications[: LISTED - 1] if several else self.notifications
        spare = 0 if several else _SCREEN - 1 - _EACH * len(shown)
        lines = list[str]()
        for each in shown:
            reason = _wrapped(each.says, 1 + min(spare, _REASON - 1))
            spare -= len(reason) - 1
            lines += [_shown(each.command), _about(each), *reason, ""]
        if several:
            lines += [*self._others(self.notifications[len(shown) :], _SCREEN - len(lines) - 3), ""]
        return "\n".join([*lines, f"Store {self.store}, event {self.ids[0]}"]) + "\n"

    def _others(self, others: Sequence[Notification], room: int) -> Iterator[str]:
        """Those without a command of their own here: by name in so many lines, and the rest as a number."""
        yield f"tokenguard --store {self.store} doctor"
        for named in range(len(others), -1, -1):
            left = len(others) - named
            names = [f"{each.kind} {each.name}".strip() for each in others[:named]]
            names += [f"{left:,} others" if named else pluralize(left, "more notification")] if left else []
            lines = _wrapped(f"also: {', '.join(names)}", room + 1)
            if len(lines) <= room:
                yield from lines
                return

    def body(self, now: datetime) -> bytes:
        """For programs: one JSON document, whose `id` stays the same when it is sent again."""
        many = len(self.notifications) > 1
        data = {"notifications": [_fields(each) for each in self.notifications]} if many else None
        first = self.notifications[0]
        document: dict[str, Any] = {
            "id": self.digest_id,
            "event": DIGEST if many else str(first.kind),
            "store": self.store_id,
            "store_url": self.store,
            "sent_at": moment(now),
            "data": data or _fields(first),
        }
        return json.dumps(document, ensure_ascii=True, sort_keys=True).encode()


def _about(each: Notification) -> str:
    about = [str(each.kind), each.name, f"owner {each.owner}" if each.owner else ""]
    return _line(f"    {', '.join(filter(None, about))}")


def _wrapped(text: str, most: int) -> list[str]:
    """The text in so many lines at most; what does not fit is cut."""
    plain = safe_text(text, one_line=True)
    return textwrap.wrap(
        plain, _WIDTH, initial_indent="    ", subsequent_indent="    ", max_lines=most, placeholder=" …",
        break_on_hyphens=False,
    )  # fmt: skip


def _fields(each: Notification) -> dict[str, Any]:
    return {
        "id": each.id,
        "event": str(each.kind),
        "severity": str(each.kind.severity),
        "token": each.name,
        "owner": each.owner,
        "text": each.says,
        "command": each.command,
        "at": moment(each.at),
        "reminder": each.reminder,
    }


def plain_list(notifications: Sequence[Notification]) -> list[dict[str, Any]]:
    """Notifications for a program."""
    return [_fields(each) for each in notifications]


def _shown(command: str) -> str:
    return safe_text(command, one_line=True)


def _line(text: str, width: int = _WIDTH) -> str:
    return safe_text(text, one_line=True, limit=width)
