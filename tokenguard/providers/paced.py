"""A provider's client that keeps to the provider's limits: it waits where a limit is near, and where one was met."""

import hashlib
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from tokenguard.http.address import Address
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Client, Request
from tokenguard.http.pacing import LONGEST, seconds_until_reset, too_long
from tokenguard.ports.clock import Clock

_MOST_WAITS = 3
"""In a row, of a minute at most each; a list of many tokens meets the limit of any provider."""

_WORTH_TELLING = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many requests a provider takes in a time, counted by credential."""

    requests: int
    per: float
    """Seconds."""


class PacedClient:
    """Sends as `Client` does, and sends what a 429 refused again after the pause that it asks for, up to a minute.

    A 429 has no effect at the provider, so this holds for creates as well. Limits are counted by credential: one whose
    last answer said that nothing remains waits for the reset before its next request. Safe to share between threads.

    Args:
        client: sends.
        clock: waits.
        told: told of each wait that is worth telling.
        rate: the provider's published limit, for those whose answers do not state it.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        told: Callable[[str], None] = lambda _text: None,
        rate: Rate | None = None,
    ) -> None:
        self._client = client
        self._rate = rate
        self._sent_at: dict[bytes, deque[float]] = {}
        self._clock = clock
        self._told = told
        self._key = secrets.token_bytes(32)
        self._resets: dict[bytes, float] = {}
        """When requests of a credential are allowed again, by the monotonic clock; never a credential itself."""
        self._refused = set[bytes]()
        """Credentials whose last request was refused in spite of all waiting; their next one is not waited for."""
        self._lock = threading.Lock()

    @property
    def base(self) -> Address:
        """The address asked."""
        return self._client.base

    def send(self, request: Request) -> Outcome:
        """The outcome; a 429 only if the provider says no time, or a longer one, or goes on refusing.

        An answer that repeats the credential is read without it.
        """
        who = self._who(request)
        outcome = self._sent(request, who)
        for _ in range(0 if who in self._refused else _MOST_WAITS):
            wait = _asked_to_wait(outcome)
            if wait is None or too_long(wait):
                break
            self._wait(wait)
            outcome = self._sent(request, who)
        with self._lock:
            (self._refused.discard if _asked_to_wait(outcome) is None else self._refused.add)(who)
        return replace(outcome, withheld=request.withheld) if isinstance(outcome, Answer) else outcome

    def _sent(self, request: Request, who: bytes) -> Outcome:
        with self._lock:
            until = self._resets.pop(who, 0.0)
        wait = until - self._clock.monotonic()
        if 0 < wait <= LONGEST:
            self._wait(wait)
        self._keep_to_rate(who)
        outcome = self._client.send(request)
        if isinstance(outcome, Answer) and outcome.status != HTTPStatus.TOO_MANY_REQUESTS:
            wait = seconds_until_reset(outcome.headers, outcome.date or self._clock.now())
            if wait:
                with self._lock:
                    self._resets[who] = self._clock.monotonic() + wait
        return outcome

    def _keep_to_rate(self, who: bytes) -> None:
        """Wait until one more request is within the published limit."""
        if self._rate is None:
            return
        with self._lock:
            times = self._sent_at.setdefault(who, deque(maxlen=self._rate.requests))
            earliest = times[0] + self._rate.per if len(times) == self._rate.requests else 0.0
            wait = max(earliest - self._clock.monotonic(), 0.0)
            times.append(self._clock.monotonic() + wait)
        if wait:
            self._wait(wait)

    def _wait(self, seconds: float) -> None:
        if seconds >= _WORTH_TELLING:
            self._told(f"waiting {seconds:.0f} s for the rate limit of {self._client.base.host}")
        self._clock.sleep(seconds)

    def _who(self, request: Request) -> bytes:
        text = "\0".join(credential.secret.reveal() for credential in request.credentials)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()


def _asked_to_wait(outcome: Outcome) -> float | None:
    """Seconds that a 429 asks for; None for every other outcome, and for a 429 that names no time."""
    limited = isinstance(outcome, Answer) and outcome.status == HTTPStatus.TOO_MANY_REQUESTS
    return outcome.retry_after if limited and isinstance(outcome, Answer) else None
