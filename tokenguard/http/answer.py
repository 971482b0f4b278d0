"""The outcome of one request: an answer, or a failure that states whether the server may have acted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from http import HTTPStatus

from tokenguard.documents import JsonTree, load_json
from tokenguard.errors import InputError

MAX_BODY = 1 << 20
"""Bytes; a longer answer is not an answer."""


@unique
class TransportFailure(StrEnum):
    """Why there is no usable answer. A closed list, fit for `Observation.reason`."""

    UNSENDABLE = "unsendable"
    """The credential cannot be written into a header."""
    CONNECT = "connect"
    """No connection: name, route, refused, proxy."""
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    """The connection ended early, or what came was not HTTP."""
    TOO_LARGE = "too-large"
    REDIRECT = "redirect"
    """A 3xx; never followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request without a usable answer."""

    cause: TransportFailure
    sent: bool
    """False: certainly nothing was asked of the other side. True: it may have acted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer that was no redirect. The body may hold a fresh secret, so it is in no repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; only what a caller has a use for."""
    body: bytes = field(repr=False)
    retry_after: float | None = None
    """Seconds that the other side asks us to wait, 0 to a year."""
    date: datetime | None = None
    """The other side's clock, if it says the time: what it means by a time of its own is compared with this."""

    @property
    def ok(self) -> bool:
        """A 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def html(self) -> bool:
        """A page for people: a captive portal, a proxy's or firewall's own words. It says nothing of a token."""
        return "html" in self.headers.get("content-type", "").lower() or self.body.lstrip()[:1] == b"<"

    def json(self) -> JsonTree:
        """The body as JSON, or None when it is none, repeats a key, nests too deep or holds too much."""
        try:
            return load_json(self.body, source="answer", max_bytes=MAX_BODY)
        except InputError:
            return None

    def json_object(self) -> dict[str, JsonTree] | None:
        """The body as a JSON object, or None."""
        tree = self.json()
        return tree if isinstance(tree, dict) else None


Outcome = Answer | Failure
