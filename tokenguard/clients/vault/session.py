"""The requests session under hvac: no redirect, no environment, our TLS, a total deadline, a cap on what is read."""

import contextlib
import logging
import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from tokenguard.clients.vault.settings import VaultSettings
from tokenguard.clients.vault.trouble import Reason, VaultTrouble
from tokenguard.http import tls
from tokenguard.http.pacing import retry_after

for _name in ("hvac", "requests", "urllib3", "urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # below that they write paths and foreign headers

MAX_BODY = 32 << 20
"""Bytes of one answer: a page of a large listing is some megabytes."""
CONNECTIONS = 8
_CHUNK = 1 << 16
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


class HardenedSession(requests.Session):
    """Asks the nodes of one server. `asked` counts the requests, for whoever promises to need few."""

    def __init__(self, settings: VaultSettings) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        self.headers.update({"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tokenguard"})
        context = None if all(each.scheme == "http" for each in settings.addresses) else tls.context(settings.ca_bundle)
        self.adapters.clear()
        for each in settings.addresses:
            self.mount(each.origin + "/", _Adapter(None if each.scheme == "http" else context))
            if settings.proxy is not None and not each.loopback:
                self.proxies[f"https://{each.host}"] = str(settings.proxy)
        self.asked = 0
        self._deadline = settings.deadline
        self._counting = threading.Lock()

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - the base class's signature
        """Nowhere: not even a prepared next request is made of a redirect."""
        return

    def ask(self, method: str, url: str, *, deadline: float | None = None, **options: Any) -> Answered:
        """Ask once; VaultTrouble if no complete answer came in time (`deadline`: seconds, if not the usual ones)."""
        with self._counting:
            self.asked += 1
        seconds = deadline or self._deadline
        return _within(seconds, lambda: self._ask(method, url, seconds, options))

    def _ask(self, method: str, url: str, seconds: float, options: dict[str, Any]) -> Answered:
        ends = time.monotonic() + seconds
        try:
            response = self.request(method, url, allow_redirects=False, stream=True, timeout=seconds, **options)
            with contextlib.closing(response):
                body = _read(response, ends)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise VaultTrouble.because(_reason(error)) from None
        wait = retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
        index = response.headers.get("X-Vault-Index", "")
        return Answered(response.status_code, body, wait, index if _INDEX.fullmatch(index) else "")


class _Adapter(HTTPAdapter):
    """Connections under our own TLS context and nothing else; requests would add a bundle of its own."""

    def __init__(self, context: Any) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=0, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context, proxy_ssl_context=self._context)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the pool as our context made it."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ARG002 - its signature
        """The pool's key without requests' own ideas of certificates."""
        host, _ = super().build_connection_pool_key_attributes(request, True, cert)
        return host, {"ssl_context": self._context} if self._context is not None else {}


def _read(response: requests.Response, ends: float) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY:
            raise VaultTrouble.because(Reason.MALFORMED)
        if time.monotonic() > ends:
            raise VaultTrouble.because(Reason.TIMEOUT)
    return bytes(body)


def _within(seconds: float, work: Callable[[], Answered]) -> Answered:
    # timeouts of sockets count per read and a name lookup cannot be timed at all: only a second thread can
    done: queue.SimpleQueue[Answered | BaseException] = queue.SimpleQueue()

    def attempt() -> None:
        try:
            done.put(work())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            done.put(error)

    threading.Thread(target=attempt, name="tokenguard-vault", daemon=True).start()
    try:
        result = done.get(timeout=seconds + 1)
    except queue.Empty:
        raise VaultTrouble.because(Reason.TIMEOUT) from None
    if isinstance(result, BaseException):
        raise result
    return result


def _reason(error: Exception) -> Reason:
    if isinstance(error, requests.exceptions.SSLError):
        return Reason.TLS
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Reason.CONNECT
    if isinstance(error, requests.exceptions.Timeout | TimeoutError):
        return Reason.TIMEOUT
    if isinstance(error, requests.exceptions.ConnectionError) and "NewConnectionError" in repr(error):
        return Reason.CONNECT
    return Reason.RESET
