"""The webhook channel: one signed JSON document per message; redirects are refused, and a 2xx alone is success."""

from tokenguard.domain.secret import Secret
from tokenguard.http.address import Address
from tokenguard.http.answer import Failure
from tokenguard.http.client import Client, Network, Request
from tokenguard.http.signature import signed_headers
from tokenguard.notifications.message import NotificationMessage
from tokenguard.notifications.outbox import SendResult
from tokenguard.ports.clock import Clock

_MAX_ANSWER = 1 << 16
"""Bytes that are read; a receiver has nothing to say that is longer."""


class WebhookChannel:
    """Sends to one address.

    Args:
        address: where to.
        secret: signs every message; the receiver has the same.
        clock: the time of signing.
        network: proxy and CA bundle.
    """

    def __init__(self, address: Address, secret: Secret, clock: Clock, network: Network) -> None:
        self._client = Client(address, clock, network, max_body=_MAX_ANSWER, status_suffices=True)
        self._secret = secret
        self._clock = clock

    def send(self, message: NotificationMessage) -> SendResult:
        """Post it once."""
        now = self._clock.now()
        body = message.body(now)
        headers = signed_headers(self._secret, int(now.timestamp()), body)
        outcome = self._client.send(Request(method="POST", content=body, headers=headers))
        if isinstance(outcome, Failure):
            return SendResult(ids=message.ids, reason=outcome.cause.value)
        if not outcome.ok:
            return SendResult(ids=message.ids, reason=f"http-{outcome.status}", wait=outcome.retry_after or 0.0)
        return SendResult(ids=message.ids)
