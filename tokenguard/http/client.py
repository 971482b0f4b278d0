"""One request, one outcome, over a fresh urllib3 connection with a total deadline."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenguard.domain.secret import Secret
from tokenguard.http import tls
from tokenguard.http.address import Address
from tokenguard.http.answer import MAX_BODY, Failure, Outcome, TransportFailure
from tokenguard.http.connections import new_connection
from tokenguard.http.exchange import Exchange
from tokenguard.ports.clock import Clock

for _name in ("urllib3", "urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # below that they write request targets and foreign headers

DEADLINE = 15.0
"""Seconds from the name lookup to the last byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How the outside is reached; from the configuration only, never from the environment."""

    proxy: Address | None = None
    """For https only; loopback addresses are always reached directly."""
    ca_bundle: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret and where in a request it travels: in a header, or in a parameter of the query."""

    secret: Secret
    header: str = "Authorization"
    prefix: str = "Bearer "
    parameter: str = ""
    """Of the query, instead of a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask. Every path segment is encoded by itself."""

    method: str = "GET"
    path: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    credential: Credential | None = None
    further: tuple[Credential, ...] = ()
    """For services that want more than one."""
    body: Mapping[str, Any] | Sequence[Any] | None = field(default=None, repr=False)
    """Sent as JSON."""
    content: bytes | None = field(default=None, repr=False)
    """Instead of `body`: what is sent byte for byte, as something signed must be."""
    content_type: str = "application/json"
    """What `content` is, or what kind of JSON `body` is, where an API has several."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Further headers; they replace none of ours."""
    secrets: tuple[Secret, ...] = ()
    """What its answer must not say, where that is not the one credential."""

    @property
    def withheld(self) -> tuple[Secret, ...]:
        """What no text of a success may hold."""
        return self.secrets if self.credential is None else (self.credential.secret, *self.secrets)

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """All of them."""
        return self.further if self.credential is None else (self.credential, *self.further)


class Client:
    """Asks one address. Safe to share between threads; keeps no connection and no cookie.

    Args:
        base: where to.
        clock: what `Retry-After` is read by.
        network: proxy and CA bundle.
        deadline: seconds for everything.
        pinned: the IP address to connect to instead of looking the host's name up (again). Name and certificate
            are those of `base` all the same, and no proxy is used.
        max_body: bytes; a longer answer is none.
        status_suffices: a 2xx is an answer however its body goes on.
    """

    def __init__(
        self,
        base: Address,
        clock: Clock,
        network: Network | None = None,
        *,
        deadline: float = DEADLINE,
        pinned: str = "",
        max_body: int = MAX_BODY,
        status_suffices: bool = False,
    ) -> None:
        self._base = base
        self._pinned = pinned
        self._clock = clock
        self._network = network or Network()
        self._deadline = deadline
        self._max_body = max_body
        self._status_suffices = status_suffices

    @property
    def base(self) -> Address:
        """The address asked."""
        return self._base

    def send(self, request: Request) -> Outcome:
        """Ask once, never again. InputError only for a setting that no request could live with (CA bundle)."""
        headers = _headers(request, self._base)
        if headers is None:
            return Failure(cause=TransportFailure.UNSENDABLE, sent=False)
        proxy = None if self._base.loopback or self._pinned else self._network.proxy
        context = tls.context(self._network.ca_bundle) if self._base.scheme == "https" else None
        exchange = Exchange(
            self._base,
            new_connection(self._base, context, proxy, pinned=self._pinned),
            timeout=self._deadline,
            now=self._clock.now(),
            max_body=self._max_body,
            status_suffices=self._status_suffices,
        )
        body = request.content if request.body is None else json.dumps(request.body).encode()
        secret = ((each.parameter, each.secret.reveal()) for each in request.credentials if each.parameter)
        target = self._base.target(request.path, (*request.query, *secret))
        return exchange.within_deadline(request.method, target, headers, body)


def _headers(request: Request, base: Address) -> dict[str, str] | None:
    headers = {
        **dict(request.headers),
        "Host": base.authority,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "tokenguard",
    }
    if request.body is not None or request.content is not None:
        headers["Content-Type"] = request.content_type
    for credential in request.credentials:
        text = credential.secret.reveal()
        if not text.isascii() or not text.isprintable():
            return None
        if not credential.parameter:
            headers[credential.header] = credential.prefix + text
    return headers
