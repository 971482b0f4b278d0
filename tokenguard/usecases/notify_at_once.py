"""Notifies of what cannot wait for the next `notify`, from the command that causes it. Best effort, within seconds."""

from contextlib import suppress

from tokenguard.domain.names import TokenId
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.ports.shared_item import Item, shared_items_of
from tokenguard.text import pluralize
from tokenguard.usecases.send_notifications import AT_ONCE, Notifier, SendNotificationsParts
from tokenguard.waiting import run_with_deadline

_WITH_THE_STORE = 2 * AT_ONCE
"""Seconds for reading the store as well as sending."""


def notify_at_once(parts: SendNotificationsParts, *tokens: TokenId) -> None:
    """Put the urgent events of these tokens (none: of all) into the outbox, and send them.

    Nothing is lost if that fails: `notify` derives them from the store again. A store without an outbox, used by a
    runner without `[notify]`, has no notifications.
    """
    try:
        if parts.settings.notify is None and shared_items_of(parts.store).read(Item.OUTBOX) is None:
            return
        reports = Notifier(parts).at_once(tokens)
    except TokenguardError as error:
        if parts.settings.notify is not None:
            parts.progress.note(f"not notified yet: {error.message}; `tokenguard notify` tries again")
        return
    for each in reports:
        if each.sent:
            parts.progress.note(f"notified {each.route} of {pluralize(len(each.sent), 'event')}")
        elif each.code is not ExitCode.OK:
            parts.progress.note(f"{each.route} is not notified yet: {each.reason}")


def notify_before_exit(parts: SendNotificationsParts) -> None:
    """The same of the whole store, for a command that ends with an unconfirmed revocation; it never raises."""
    with suppress(Exception):
        run_with_deadline(lambda: notify_at_once(parts), _WITH_THE_STORE)
