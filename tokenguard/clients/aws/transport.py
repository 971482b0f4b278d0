"""Sends what botocore has signed over our own connections: total deadline, cap, our TLS, no redirects.

Neither proxies nor certificate authorities are taken from the environment.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from io import BytesIO
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.session import Session
from urllib3.response import HTTPResponse

from tokenguard.clients.aws.aws_errors import AwsError, AwsFailure
from tokenguard.clients.aws.aws_settings import AwsSettings
from tokenguard.http import tls
from tokenguard.http.address import Address
from tokenguard.http.answer import Failure, TransportFailure
from tokenguard.http.connections import KeptConnections

MAX_BODY = 16 << 20
"""Bytes of one answer: a page of 100 secrets with all their tags is less than one megabyte."""
_METADATA = 5.0
"""Seconds for an answer of the credential service of a machine or container."""
_PER_REQUEST: dict[TransportFailure, type[exceptions.BotoCoreError]] = {
    TransportFailure.CONNECT: exceptions.EndpointConnectionError,
    TransportFailure.TLS: exceptions.SSLError,
    TransportFailure.HANDSHAKE: exceptions.SSLError,
    TransportFailure.TIMEOUT: exceptions.ReadTimeoutError,
    TransportFailure.RESET: exceptions.ConnectionClosedError,
}
"""In botocore's words, for which it may try again. All other failures end the call."""


class _Allowance:
    """The time of one call, over all its attempts. It begins with the first request, not with a question for a code."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: float | None = None

    def left(self) -> float:
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + self._seconds
        return self._ends - now


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Everything that is sent in the block has that many seconds in sum; blocks inside share them."""
    outer = _allowance.get()
    token = _allowance.set(outer or _Allowance(seconds))
    try:
        yield
    finally:
        _allowance.reset(token)


class Transport:
    """What botocore's sessions send through; any thread may."""

    def __init__(self, settings: AwsSettings, *, seconds: float, connect: float, plain_http: bool = False) -> None:
        self._settings = settings
        self._seconds = seconds
        self._connect = connect
        self._plain_http = plain_http
        self._servers: dict[str, KeptConnections] = {}
        self._making = threading.Lock()

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Send one request. Raises botocore's errors for what may be tried again, AwsError and InputError otherwise."""
        seconds = self._seconds_left()
        parts = urlsplit(request.url)
        server = self._server(f"{parts.scheme}://{parts.netloc}")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        outcome = server.send(request.method, target, _headers(request), _body(request), seconds=seconds)
        if isinstance(outcome, Failure):
            raise _error(outcome, request.url)
        raw = HTTPResponse(body=BytesIO(outcome.body), preload_content=False)
        return AWSResponse(request.url, outcome.status, dict(outcome.headers), raw)

    def _seconds_left(self) -> float:
        allowance = _allowance.get()
        left = self._seconds if allowance is None else min(self._seconds, allowance.left())
        if left <= 0:
            raise AwsError(AwsFailure.TIMEOUT)
        return left

    def _server(self, origin: str) -> KeptConnections:
        with self._making:
            if origin not in self._servers:
                own = self._settings.endpoint
                plain = self._plain_http or (own is not None and own.origin == origin)  # the runner's own words
                base = Address.parse(origin, what="AWS endpoint", plain_http=plain)
                context = self._context if base.scheme == "https" else None
                proxy = self._settings.proxy if context else None
                self._servers[origin] = KeptConnections(base, context, proxy, max_body=MAX_BODY, connect=self._connect)
            return self._servers[origin]

    @cached_property
    def _context(self) -> SSLContext:
        return tls.context(self._settings.ca_bundle)


def through(session: Session, settings: AwsSettings) -> Session:
    """Have all requests of a botocore session sent by us: of its clients, and of its search for credentials.

    Raises:
        InputError: the environment asks for TLS keys to be logged, which botocore would do.
    """
    tls.refuse_key_log()
    ours = Transport(settings, seconds=settings.deadline, connect=settings.connect_timeout)
    session.register("before-send", lambda request, **_: ours.send(request))
    wait = min(_METADATA, max(0.1, session.get_config_variable("metadata_service_timeout")))
    metadata = Transport(settings, seconds=_METADATA, connect=wait, plain_http=True)
    for provider in session.get_component("credential_provider").providers:
        for fetcher in (getattr(provider, name, None) for name in ("_fetcher", "_role_fetcher")):
            if fetcher is not None:
                fetcher._session = metadata  # noqa: SLF001 - it has no other way; a test sees whether this one works
    return session


def _headers(request: AWSPreparedRequest) -> Mapping[str, str]:
    return {name: _text(value) for name, value in request.headers.items()}


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(request: AWSPreparedRequest) -> bytes | None:
    return request.body.encode() if isinstance(request.body, str) else request.body


def _error(failure: Failure, url: str) -> Exception:
    kind = _PER_REQUEST.get(failure.cause)
    if kind is None:
        return AwsError(AwsFailure.MALFORMED)
    if failure.cause is TransportFailure.TIMEOUT and not failure.sent:
        kind = exceptions.ConnectTimeoutError
    retried: Exception = kind(endpoint_url=url, error=failure.cause.value)
    return retried
