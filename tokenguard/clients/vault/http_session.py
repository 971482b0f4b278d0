"""The session under hvac: no redirect, no environment, our TLS, a total deadline, a cap on what is read.

It is the connections that `http` keeps and nothing else: what requests does beside costs more than the request itself.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.clients.vault.vault_settings import VaultSettings
from tokenguard.http import tls
from tokenguard.http.answer import Failure, TransportFailure
from tokenguard.http.connections import KeptConnections
from tokenguard.waiting import SILENCE, notify_if_slow

for _name in ("hvac", "requests", "urllib3", "urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # below that they write paths and foreign headers

MAX_BODY = 32 << 20
"""Bytes of one answer: a page of a large listing is some megabytes."""
CONNECTIONS = 8
"""Requests that are sent side by side."""
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tokenguard"}
_INDEX = re.compile(r"[A-Za-z0-9+/=_-]{1,1024}", re.ASCII)
"""How far the log of the server has come, as it says with each write; it means something to the server only."""
_REASONS = {
    TransportFailure.CONNECT: VaultFailure.CONNECT,
    TransportFailure.TLS: VaultFailure.TLS,
    TransportFailure.HANDSHAKE: VaultFailure.HANDSHAKE,
    TransportFailure.TIMEOUT: VaultFailure.TIMEOUT,
    TransportFailure.RESET: VaultFailure.RESET,
    TransportFailure.REDIRECT: VaultFailure.REDIRECT,
    TransportFailure.TOO_LARGE: VaultFailure.MALFORMED,
}


class Answered:
    """A complete answer; its body may hold values, so it is in no repr."""

    __slots__ = ("body", "index", "retry_after", "status")

    def __init__(self, status: int, body: bytes, wait: float | None, index: str) -> None:
        self.status = status
        self.body = body
        self.retry_after = wait
        self.index = index


class HardenedSession:
    """Sends requests to the nodes of one server. `asked` counts them, so that tests can assert request budgets."""

    verify, cert, proxies = True, None, None
    """hvac looks for them; ours are in the connections."""

    def __init__(self, settings: VaultSettings, told: Callable[[str], None] = lambda _text: None) -> None:
        self._told = told
        context = None if all(each.scheme == "http" for each in settings.addresses) else tls.context(settings.ca_bundle)
        self._servers = {
            each.origin: KeptConnections(each, context, settings.proxy, max_body=MAX_BODY, headers=("x-vault-index",))
            for each in settings.addresses
        }
        self.asked = 0
        self._deadline = settings.deadline
        self._counting = threading.Lock()

    def close(self) -> None:
        """Let go of the connections."""
        for server in self._servers.values():
            server.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> Answered:
        """Ask once; VaultError if no complete answer came in time (`deadline`: seconds, if not the usual ones)."""
        with self._counting:
            self.asked += 1
        origin, server, target = self._of(url + (f"?{urlencode(params)}" if params else ""))
        body = None if json is None else _encoded(json)
        kind = {} if body is None else {"Content-Type": "application/json"}
        sent = {**_HEADERS, **kind, **(headers or {})}
        with notify_if_slow(lambda: self._told(f"the vault has not answered for {SILENCE:.0f} s; still waiting")):
            outcome = server.send(method, target, sent, body, seconds=deadline or self._deadline)
        if isinstance(outcome, Failure):
            raise VaultError.because(_reason(outcome), at=origin)
        index = outcome.headers.get("x-vault-index", "")
        return Answered(outcome.status, outcome.body, outcome.retry_after, index if _INDEX.fullmatch(index) else "")

    def _of(self, url: str) -> tuple[str, KeptConnections, str]:
        """An address of the configuration, its connections, and what to ask there; nothing is sent anywhere else."""
        for origin, server in self._servers.items():
            if url.startswith(f"{origin}/"):
                return origin, server, url.removeprefix(origin)
        raise RuntimeError("this address is not in the configuration")


def _encoded(content: Any) -> bytes:
    return json.dumps(content).encode()


def _reason(failure: Failure) -> VaultFailure:
    if failure.cause is TransportFailure.TIMEOUT and not failure.sent:
        return VaultFailure.CONNECT
    return _REASONS.get(failure.cause, VaultFailure.RESET)
