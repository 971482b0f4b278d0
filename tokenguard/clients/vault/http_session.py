"""The session under hvac: no redirect, no environment, our TLS, a total deadline, a cap on what is read.

It is urllib3's connection pools and nothing else: what requests does beside costs more than the request itself.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Any
from urllib.parse import urlencode

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3 import exceptions as urllib3_errors
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout

from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.clients.vault.vault_settings import VaultSettings
from tokenguard.http import tls
from tokenguard.http.address import Address
from tokenguard.http.pacing import retry_after
from tokenguard.waiting import SILENCE, DeadlineExceeded, notify_if_slow, run_with_deadline

for _name in ("hvac", "requests", "urllib3", "urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # below that they write paths and foreign headers

MAX_BODY = 32 << 20
"""Bytes of one answer: a page of a large listing is some megabytes."""
CONNECTIONS = 8
_CHUNK = 1 << 16
_CONNECT = 4.0
"""Seconds to reach a server at all."""
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tokenguard"}
_INDEX = re.compile(r"[A-Za-z0-9+/=_-]{1,1024}", re.ASCII)
"""How far the log of the server has come, as it says with each write; it means something to the server only."""


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
    """hvac looks for them; ours are in the pools."""

    def __init__(self, settings: VaultSettings, told: Callable[[str], None] = lambda _text: None) -> None:
        self._told = told
        context = None if all(each.scheme == "http" for each in settings.addresses) else tls.context(settings.ca_bundle)
        self._pools = {each.origin: _pool(each, settings.proxy, context) for each in settings.addresses}
        self.asked = 0
        self._deadline = settings.deadline
        self._counting = threading.Lock()

    def close(self) -> None:
        """Let go of the connections."""
        for pool in self._pools.values():
            pool.close()

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
        seconds = deadline or self._deadline
        origin, pool, target = self._of(url + (f"?{urlencode(params)}" if params else ""))
        request = _Request(method, target, {**_HEADERS, **(headers or {})}, None if json is None else _encoded(json))
        try:
            # timeouts of sockets count per read and a name lookup cannot be timed at all: only a second thread can
            with notify_if_slow(lambda: self._told(f"the vault has not answered for {SILENCE:.0f} s; still waiting")):
                return run_with_deadline(lambda: request.sent(pool, origin, seconds), seconds + 1)
        except DeadlineExceeded:
            raise VaultError.because(VaultFailure.TIMEOUT, at=origin) from None

    def _of(self, url: str) -> tuple[str, HTTPConnectionPool, str]:
        """An address of the configuration, its pool, and what to ask there; nothing is sent to any other address."""
        for origin, pool in self._pools.items():
            if url.startswith(f"{origin}/"):
                return origin, pool, url.removeprefix(origin)
        raise RuntimeError("not an address of the configuration")


class _Request:
    """One request; it holds a login and maybe a value, so it is in no repr."""

    __slots__ = ("_body", "_headers", "_method", "_target")

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> None:
        self._method = method
        self._target = target
        self._headers = headers if body is None else {"Content-Type": "application/json", **headers}
        self._body = body

    def sent(self, pool: HTTPConnectionPool, origin: str, seconds: float) -> Answered:
        """Send it and read the whole answer."""
        ends = time.monotonic() + seconds
        limits = Timeout(connect=min(_CONNECT, seconds), read=seconds)
        try:
            response = pool.urlopen(
                self._method, self._target, self._body, self._headers, timeout=limits,
                redirect=False, retries=False, preload_content=False, decode_content=False,
            )  # fmt: skip
            try:
                body = _read(response, ends)
            finally:
                response.close()
                response.release_conn()  # a connection that was closed early leaves its place in the pool
        except (urllib3_errors.HTTPError, OSError, ValueError) as error:
            raise VaultError.because(_reason(error), at=origin) from None
        wait = retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
        index = response.headers.get("X-Vault-Index", "")
        return Answered(response.status, body, wait, index if _INDEX.fullmatch(index) else "")


def _pool(address: Address, proxy: Address | None, context: SSLContext | None) -> HTTPConnectionPool:
    if address.scheme == "http":
        return HTTPConnectionPool(address.host, address.port, maxsize=CONNECTIONS, block=True)
    if proxy is None or address.loopback:
        return HTTPSConnectionPool(
            address.host, address.port, maxsize=CONNECTIONS, block=True, ssl_context=context
        )  # fmt: skip
    manager = ProxyManager(
        str(proxy), num_pools=1, proxy_ssl_context=context, ssl_context=context, maxsize=CONNECTIONS, block=True
    )
    return manager.connection_from_host(address.host, address.port, "https")


def _encoded(content: Any) -> bytes:
    return json.dumps(content).encode()


def _read(response: BaseHTTPResponse, ends: float) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY:
            raise VaultError.because(VaultFailure.MALFORMED)
        if time.monotonic() > ends:
            raise VaultError.because(VaultFailure.TIMEOUT)
    return bytes(body)


def _reason(error: Exception) -> VaultFailure:
    if isinstance(error, urllib3_errors.ProxyError):
        return VaultFailure.TLS if isinstance(error.original_error, urllib3_errors.SSLError) else VaultFailure.CONNECT
    kinds: tuple[tuple[type[Exception], VaultFailure], ...] = (
        (urllib3_errors.SSLError, VaultFailure.TLS),
        (urllib3_errors.ConnectTimeoutError, VaultFailure.CONNECT),
        (urllib3_errors.NewConnectionError, VaultFailure.CONNECT),
        (urllib3_errors.TimeoutError, VaultFailure.TIMEOUT),
        (TimeoutError, VaultFailure.TIMEOUT),
    )
    return next((reason for kind, reason in kinds if isinstance(error, kind)), VaultFailure.RESET)
