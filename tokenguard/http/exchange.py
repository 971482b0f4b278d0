"""One connection's life: connect, send, read within limits; every foreign exception becomes a Failure."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as SocketTimeout
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url

from tokenguard.http import tls
from tokenguard.http.address import Address, is_loopback
from tokenguard.http.answer import MAX_BODY, Answer, Failure, Outcome, TransportFailure
from tokenguard.http.pacing import retry_after

MAX_HEADERS = 1 << 16
_CHUNK = 1 << 16
_KEPT = ("content-type", "link", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


class Exchange:
    """A single request over its own connection. `abandon` may be called from another thread."""

    def __init__(
        self,
        *,
        base: Address,
        proxy: Address | None,
        ca_bundle: Path | None,
        timeout: float,
        now: datetime,
        pinned: str = "",
        max_body: int = MAX_BODY,
    ) -> None:
        self._base = base
        self._now = now
        self._max_body = max_body
        self._lock = threading.Lock()
        self._sending = self._abandoned = False
        self._socket: socket.socket | None = None
        self._connection = _connection(base, proxy, ca_bundle, timeout, pinned)

    def run(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Outcome:
        """Do it. Never raises what the network or the other side brought about."""
        try:
            self._connect()
            if not self._may_send():
                return Failure(cause=TransportFailure.TIMEOUT, sent=False)
            self._connection.request(
                method, target, body=body, headers=headers, preload_content=False, decode_content=False
            )
            with contextlib.closing(self._connection.getresponse()) as response:
                return self._answer(response)
        except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            # ValueError and AttributeError: what the ssl module throws at a socket that `abandon` closed
            return Failure(cause=_transport_failure(error, connected=self._sending), sent=self._sending)
        finally:
            self._connection.close()

    def abandon(self) -> bool:
        """Give up: shut the socket, so that the thread in `run` ends. Returns whether anything was sent."""
        with self._lock:
            self._abandoned, sent = True, self._sending
        if self._socket is not None:
            with contextlib.suppress(OSError, ValueError):
                self._socket.shutdown(socket.SHUT_RDWR)
        return sent

    def _may_send(self) -> bool:
        # one decision for both threads: what was given up as "not sent" is never sent afterwards
        with self._lock:
            self._sending = not self._abandoned
            return self._sending

    def _connect(self) -> None:
        self._connection.set_debuglevel(0)  # a process-wide http.client debug level would print headers
        self._connection.connect()
        # kept here, since http.client hands its own reference over to the response
        self._socket = self._connection.sock
        if self._base.loopback and not is_loopback(self._connection.sock.getpeername()[0]):
            raise ConnectionRefusedError

    def _answer(self, response: BaseHTTPResponse) -> Outcome:
        if sum(len(name) + len(value) for name, value in response.headers.items()) > MAX_HEADERS:
            return Failure(cause=TransportFailure.TOO_LARGE, sent=True)
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            return Failure(cause=TransportFailure.REDIRECT, sent=True)
        body = bytearray()
        while chunk := response.read(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > self._max_body:
                return Failure(cause=TransportFailure.TOO_LARGE, sent=True)
        return Answer(
            status=response.status,
            headers={name: response.headers[name] for name in _KEPT if name in response.headers},
            body=bytes(body),
            retry_after=retry_after(response.headers.get("retry-after", ""), self._now),
        )


def _connection(
    base: Address, proxy: Address | None, ca_bundle: Path | None, timeout: float, pinned: str
) -> HTTPConnection:
    if base.scheme == "http":
        return HTTPConnection(pinned or base.host, base.port, timeout=timeout)
    context = tls.context(ca_bundle)
    if proxy is None:
        return HTTPSConnection(
            pinned or base.host, base.port, timeout=timeout, ssl_context=context, server_hostname=base.host
        )
    tunnel = HTTPSConnection(
        proxy.host,
        proxy.port,
        timeout=timeout,
        ssl_context=context,
        proxy=Url(scheme=proxy.scheme, host=proxy.host, port=proxy.port),
        proxy_config=ProxyConfig(
            ssl_context=context, use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None
        ),
    )
    tunnel.set_tunnel(base.host, base.port, scheme=proxy.scheme)
    return tunnel


def _transport_failure(error: Exception, *, connected: bool) -> TransportFailure:
    if isinstance(error, NewConnectionError):
        return TransportFailure.CONNECT
    if isinstance(error, (SocketTimeout, TimeoutError)):
        return TransportFailure.TIMEOUT
    if isinstance(error, (SSLError, ssl.SSLError)):
        return TransportFailure.TLS
    return TransportFailure.RESET if connected else TransportFailure.CONNECT
