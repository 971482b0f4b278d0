"""What each route wants to be told of what holds now; of more than can be remembered, the least urgent as a number."""

from collections.abc import Sequence
from datetime import datetime

from tokenguard.frozen import Frozen
from tokenguard.notifications.conditions import store_command
from tokenguard.notifications.notification import Notification, by_urgency, notification_id
from tokenguard.notifications.outbox import MOST_TOLD, Outbox
from tokenguard.notifications.routes import NotificationRoute
from tokenguard.text import pluralize

WantedNotifications = dict[str, list[Notification]]
"""By route, what it takes of what holds now."""


class NotificationSource(Frozen, frozen=True):
    """Where and when the notifications were found."""

    store_id: str
    store_url: str
    now: datetime


def wanted_by_route(
    routes: Sequence[NotificationRoute], found: Sequence[Notification], where: NotificationSource, most: int = MOST_TOLD
) -> WantedNotifications:
    """What each route takes.

    Args:
        routes: the routes.
        found: what holds now.
        where: where it was found.
        most: how many notifications of all routes are told one by one, the most urgent first.
    """
    wanted = {route.name: [each for each in found if route.takes(each)] for route in routes}
    by_id = {each.id: each for notifications in wanted.values() for each in notifications}
    if len(by_id) <= most:
        return wanted
    left = {each.id for each in by_urgency(by_id.values())[most:]}
    return {
        route: [each for each in notifications if each.id not in left]
        + _as_number(route, [each for each in notifications if each.id in left], where, most)
        for route, notifications in wanted.items()
    }


def _as_number(route: str, left: Sequence[Notification], where: NotificationSource, most: int) -> list[Notification]:
    """One notification a week for those that are not told one by one."""
    if not left:
        return []
    kind = by_urgency(left)[0].kind
    identity = notification_id(where.store_id, kind, "more", route, f"{where.now:%G-%V}")
    says = f"{pluralize(len(left), 'more event')} not sent one by one, because more than {most:,} hold at the same time"
    command = store_command(where.store_url, "list", "--due")
    return [Notification(id=identity, kind=kind, says=says, command=command, at=where.now)]


def without_space(outbox: Outbox, route: str, wanted: WantedNotifications) -> int:
    """The number of current events that a route was not told and that the outbox has no space for."""
    owed = {each.id for each in outbox.owed_to(route)}
    return sum(each.id not in owed and not outbox.was_told(route, each) for each in wanted.get(route, ()))
