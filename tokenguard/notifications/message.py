"""A message: one or several notifications in the forms that receivers read. The command comes first, on one screen."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tokenguard.frozen import Frozen
from tokenguard.inventory.views import moment
from tokenguard.notifications.notification import Notification, notification_id
from tokenguard.text import pluralize, safe_text

LISTED = 5
"""Notifications that one screen has room for."""
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
        shown = self.notifications[:LISTED]
        lines = [line for each in shown for line in (_shown(each.command), *_reasons(each), "")]
        if left := len(self.notifications) - len(shown):
            lines += [f"tokenguard --store {self.store} doctor", f"    {pluralize(left, 'more notification')}", ""]
        return "\n".join([*lines, f"Store {self.store}, event {self.ids[0]}"]) + "\n"

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


def _reasons(each: Notification) -> tuple[str, str]:
    about = [str(each.kind), each.name, f"owner {each.owner}" if each.owner else ""]
    return _line(f"    {', '.join(filter(None, about))}"), _line(f"    {each.says}")


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
