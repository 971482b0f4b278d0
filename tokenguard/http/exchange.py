"""One request over one connection: connect, send, read within limits; every foreign exception becomes a Failure."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as SocketTimeout
from urllib3.response import BaseHTTPResponse

from tokenguard.http.address import Address, is_loopback
from tokenguard.http.answer import MAX_BODY, Answer, Failure, Outcome, TransportFailure
from tokenguard.http.pacing import http_date, retry_after
from tokenguard.waiting import DeadlineExceeded, run_with_deadline

MAX_HEADERS = 1 << 16
_CHUNK = 1 << 16
_KEPT = ("content-type", "link", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


class Exchange:
    """A single request over a connection of its own, or one that is kept.

    Args:
        base: the address; of a loopback one, what answers must be on this machine.
        connection: a connection to it, open or not.
        timeout: seconds for the whole exchange.
        connect_timeout: seconds to connect; None: as long as the whole may take.
        now: what `Retry-After` is read by.
        max_body: bytes; a longer answer is none.
        headers: the names, in lower case, of the answer's headers that are wanted; None: all.
        keep: takes the connection if it can be used again; None: it is closed.
        status_suffices: a 2xx is an answer however its body goes on: too long, cut off or never ending.
    """

    def __init__(
        self,
        base: Address,
        connection: HTTPConnection,
        *,
        timeout: float,
        connect_timeout: float | None = None,
        now: datetime,
        max_body: int = MAX_BODY,
        headers: Collection[str] | None = _KEPT,
        keep: Callable[[HTTPConnection], None] | None = None,
        status_suffices: bool = False,
    ) -> None:
        self._base = base
        self._connection = connection
        self._timeout = timeout
        self._connect_timeout = timeout if connect_timeout is None else min(connect_timeout, timeout)
        self._now = now
        self._max_body = max_body
        self._wanted = headers
        self._keep = keep
        self._status_suffices = status_suffices
        self._accepted: Answer | None = None
        self._lock = threading.Lock()
        self._sending = self._abandoned = self._whole = False
        self._socket: socket.socket | None = None

    def within_deadline(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Outcome:
        """Do it, and give it up at the deadline, also in a name lookup or a slow read."""
        try:
            # timeouts of sockets count per read and a name lookup cannot be timed at all: only a second thread can
            return run_with_deadline(lambda: self.run(method, target, headers, body), self._timeout)
        except DeadlineExceeded:
            sent = self.abandon()
            return self._accepted or Failure(cause=TransportFailure.TIMEOUT, sent=sent)

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
                outcome = self._answer(response)
            self._whole = isinstance(outcome, Answer) and outcome is not self._accepted
        except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            # ValueError and AttributeError: what the ssl module throws at a socket that `abandon` closed
            return self._accepted or Failure(
                cause=_transport_failure(error, connected=self._sending), sent=self._sending
            )
        else:
            return outcome
        finally:
            self._leave()

    def abandon(self) -> bool:
        """Give up: shut the socket, so that the thread in `run` ends. Returns whether anything was sent."""
        with self._lock:
            self._abandoned = True
            if self._socket is not None:
                with contextlib.suppress(OSError, ValueError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            return self._sending

    def _leave(self) -> None:
        with self._lock:
            self._socket = None  # who uses the connection next is not to be shut by our deadline
            # http.client has closed it, if the other side will
            usable = self._whole and not self._abandoned and self._connection.sock is not None
        if usable and self._keep is not None:
            self._keep(self._connection)
        else:
            self._connection.close()

    def _may_send(self) -> bool:
        # one decision for both threads: what was given up as "not sent" is never sent afterwards
        with self._lock:
            self._sending = not self._abandoned
            return self._sending

    def _connect(self) -> None:
        self._connection.set_debuglevel(0)  # a process-wide http.client debug level would print headers
        if self._connection.sock is None:
            self._connection.timeout = self._connect_timeout
            self._connection.connect()
        self._connection.timeout = self._timeout
        self._connection.sock.settimeout(self._timeout)
        # kept here, since http.client hands its own reference over to the response
        self._socket = self._connection.sock
        if self._base.loopback and not is_loopback(self._connection.sock.getpeername()[0]):
            raise ConnectionRefusedError

    def _answer(self, response: BaseHTTPResponse) -> Outcome:
        if sum(len(name) + len(value) for name, value in response.headers.items()) > MAX_HEADERS:
            return Failure(cause=TransportFailure.TOO_LARGE, sent=True)
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            return Failure(cause=TransportFailure.REDIRECT, sent=True)
        found = {name.lower(): value for name, value in response.headers.items()}
        date = http_date(found.get("date", ""))
        answer = Answer(
            status=response.status,
            headers=found if self._wanted is None else {name: found[name] for name in self._wanted if name in found},
            body=b"",
            retry_after=retry_after(found.get("retry-after", ""), date or self._now),
            date=date,
        )
        if self._status_suffices and answer.ok:
            self._accepted = answer
        body = bytearray()
        while chunk := response.read(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > self._max_body:
                return self._accepted or Failure(cause=TransportFailure.TOO_LARGE, sent=True)
        return replace(answer, body=bytes(body))


def _transport_failure(error: Exception, *, connected: bool) -> TransportFailure:
    if isinstance(error, NewConnectionError):
        return TransportFailure.CONNECT
    if isinstance(error, (SocketTimeout, TimeoutError)):
        return TransportFailure.TIMEOUT
    if isinstance(error, (SSLError, ssl.SSLError)):
        cause = error.args[0] if isinstance(error, SSLError) and error.args else error
        refused = isinstance(cause, ssl.SSLCertVerificationError)
        return TransportFailure.TLS if refused else TransportFailure.HANDSHAKE
    return TransportFailure.RESET if connected else TransportFailure.CONNECT
