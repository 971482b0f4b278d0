"""The chat channel: one text message through apprise, which knows the addresses of some hundred services."""

import logging
from typing import Any

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.notifications.message import NotificationMessage
from tokenguard.notifications.outbox import SendResult
from tokenguard.waiting import DeadlineExceeded, run_with_deadline

_DEADLINE = 30.0
"""Seconds; a service may need several requests."""


class ChatChannel:
    """Sends to one address of apprise.

    Args:
        address: with the service's own token in it.
        deadline: seconds for one message.

    Raises:
        InputError: apprise is not installed, or does not know the address.
    """

    def __init__(self, address: Secret, *, deadline: float = _DEADLINE) -> None:
        self._service = _service(address)
        self._deadline = deadline

    def send(self, message: NotificationMessage) -> SendResult:
        """Send it once."""
        try:
            sent = run_with_deadline(
                lambda: self._service.notify(title=message.subject, body=message.text), self._deadline
            )
        except DeadlineExceeded:
            return SendResult(ids=message.ids, reason="timeout")
        except Exception:  # noqa: BLE001 - whichever library the service needs; its text may hold the address
            return SendResult(ids=message.ids, reason="failed")
        return SendResult(ids=message.ids, reason="" if sent else "refused")


def _service(address: Secret) -> Any:
    try:
        import apprise  # an extra
    except ImportError:
        raise InputError(
            "chat routes need apprise, which is not installed", hint="pip install apprise, where tokenguard is"
        ) from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it writes addresses, which hold tokens
    try:
        found = apprise.Apprise.instantiate(address.reveal(), suppress_exceptions=True)
    except Exception:  # noqa: BLE001 - the same
        found = None
    if found is None:
        raise InputError(
            "the address of a chat route is not one that apprise knows",
            hint="write it as https://appriseit.com/services/ says, in the variable or file that `chat` names",
        )
    return found
