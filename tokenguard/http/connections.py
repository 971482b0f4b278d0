"""Connections to an address: new ones, and such as are kept for the next request."""

import weakref
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from ssl import SSLContext

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.util import Url

from tokenguard.http.address import Address
from tokenguard.http.answer import Outcome
from tokenguard.http.exchange import Exchange

_MOST = 8
"""Idle connections that are kept."""
_CONNECT = 4.0
"""Seconds to reach a server at all."""


def new_connection(
    base: Address, context: SSLContext | None, proxy: Address | None = None, *, pinned: str = ""
) -> HTTPConnection:
    """A connection that is not open yet. `context`: for https; `pinned`: the IP address to connect to instead."""
    if base.scheme == "http":
        return HTTPConnection(pinned or base.host, base.port)
    if proxy is None:
        return HTTPSConnection(pinned or base.host, base.port, ssl_context=context, server_hostname=base.host)
    tunnel = HTTPSConnection(
        proxy.host,
        proxy.port,
        ssl_context=context,
        proxy=Url(scheme=proxy.scheme, host=proxy.host, port=proxy.port),
        proxy_config=ProxyConfig(
            ssl_context=context, use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None
        ),
    )
    tunnel.set_tunnel(base.host, base.port, scheme=proxy.scheme)
    return tunnel


class KeptConnections:
    """Asks one address over connections that are used again, each by one request at a time. Any thread may ask.

    Args:
        base: the address.
        context: for https.
        proxy: for https only; loopback addresses are always reached directly.
        max_body: bytes; a longer answer is none.
        headers: the headers of an answer that are wanted; None: all.
        connect: seconds to connect.
    """

    def __init__(
        self,
        base: Address,
        context: SSLContext | None,
        proxy: Address | None,
        *,
        max_body: int,
        headers: Collection[str] | None = None,
        connect: float = _CONNECT,
    ) -> None:
        self._base = base
        self._context = context
        self._proxy = None if base.loopback else proxy
        self._max_body = max_body
        self._headers = headers
        self._connect = connect
        self._idle: list[HTTPConnection] = []
        self.close = weakref.finalize(self, _close, self._idle)
        """Closes those that are idle; also when this object goes."""

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float
    ) -> Outcome:
        """Ask once, never again, within so many seconds."""
        exchange = Exchange(
            self._base,
            self._connection(),
            timeout=seconds,
            connect_timeout=self._connect,
            now=datetime.now(UTC),
            max_body=self._max_body,
            headers=self._headers,
            keep=self._take_back,
        )
        return exchange.within_deadline(method, target, headers, body)

    def _connection(self) -> HTTPConnection:
        while self._idle:
            kept = self._idle.pop()
            if kept.is_connected:
                return kept
            kept.close()
        return new_connection(self._base, self._context, self._proxy)

    def _take_back(self, connection: HTTPConnection) -> None:
        if len(self._idle) < _MOST:
            self._idle.append(connection)
        else:
            connection.close()


def _close(idle: list[HTTPConnection]) -> None:
    while idle:
        idle.pop().close()
