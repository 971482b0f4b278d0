"""The vendors' own calls to their users: job callbacks, unsigned, and signed deliveries. To this machine only."""

import hashlib
import hmac
import json
import queue
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from tokenguard.domain.secret import Secret
from tokenguard.errors import TokenguardError
from tokenguard.http.answer import Answer
from tokenguard.http.callback import validate_callback_url
from tokenguard.http.client import Request
from tokenguard.ports.clock import Clock

_DEADLINE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A registered webhook."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: Secret


@dataclass(slots=True)
class Callbacks:
    """Posts from a thread of its own, one after another, each once; what came of it is in `statuses`."""

    clock: Clock
    statuses: list[int] = field(default_factory=list)
    """The status of each call, in order; 0: no answer."""
    _waiting: "queue.SimpleQueue[tuple[str, bytes, tuple[tuple[str, str], ...]] | None]" = field(
        default_factory=queue.SimpleQueue, repr=False
    )
    _thread: threading.Thread | None = field(default=None, repr=False)

    @staticmethod
    def accepts(url: object) -> bool:
        """Whether it is an address of this machine: practice never calls anybody else."""
        try:
            return isinstance(url, str) and _is_loopback(url)
        except TokenguardError:
            return False

    def job(self, url: str, job: Mapping[str, object]) -> None:
        """Tell that a job ended, as the Descript-like vendor does: the same JSON as its own answer, unsigned."""
        self._post(url, json.dumps(job).encode())

    def event(self, hook: Hook, event: str, organisation: str, data: Mapping[str, object]) -> None:
        """Tell of an event, as the Autoposting-like vendor does: signed over timestamp and raw body."""
        now = self.clock.now()
        envelope = {
            "id": f"evt_{secrets.token_hex(12)}",
            "event": event,
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "orgId": organisation,
            "data": data,
        }
        body = json.dumps(envelope).encode()
        timestamp = str(int(now.timestamp()))
        signed = hmac.new(hook.secret.reveal().encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
        headers = (
            ("X-Autoposting-Event", event),
            ("X-Autoposting-Delivery", f"dlv_{secrets.token_hex(12)}"),
            ("X-Autoposting-Timestamp", timestamp),
            ("X-Autoposting-Signature", signed.hexdigest()),
        )
        self._post(hook.url, body, headers)

    def stop(self) -> None:
        """Send what waits, then end; safe to repeat."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(_DEADLINE)
            self._thread = None

    def _post(self, url: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._waiting.put((url, body, headers))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sandbox-callbacks", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (call := self._waiting.get()) is not None:
            url, body, headers = call
            try:
                target = validate_callback_url(url, allow_loopback=True)
                client = target.client(self.clock, deadline=_DEADLINE)
                outcome = client.send(Request(method="POST", path=target.path, content=body, headers=headers))
            except (TokenguardError, ValueError):
                self.statuses.append(0)
            else:
                self.statuses.append(outcome.status if isinstance(outcome, Answer) else 0)


def _is_loopback(url: str) -> bool:
    target = validate_callback_url(url, allow_loopback=True, resolve=lambda *_: ("127.0.0.1",))
    return target.host in {"localhost", "127.0.0.1"} and "?" not in url
