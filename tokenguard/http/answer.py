"""The outcome of one request: an answer, or a failure that states whether the server may have acted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from http import HTTPStatus

from tokenguard.documents import JsonTree, load_json
from tokenguard.domain.encodings import Encoding, forms
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.http.pacing import nothing_left

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
    """A certificate that is not accepted."""
    HANDSHAKE = "handshake"
    """The other side speaks no TLS, for example plain http, or another version, or asks for a client's certificate."""
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
    """A complete answer that is not a redirect. The body may hold a fresh secret, so it is in no repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; only what a caller has a use for."""
    body: bytes = field(repr=False)
    retry_after: float | None = None
    """Seconds that the other side asks us to wait, 0 to a year."""
    date: datetime | None = None
    """The other side's clock, if it says the time: what it means by a time of its own is compared with this."""
    withheld: tuple[Secret, ...] = ()
    """What the request authenticated with: no text of a success that holds it is read."""

    @property
    def ok(self) -> bool:
        """A 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def limited(self) -> bool:
        """Whether it says that a limit is used up, or to come back later: then it says nothing of the credential.

        Besides 429, services answer 403 at a limit, and 401 or 403 to everybody after several wrong credentials.
        """
        match self.status:
            case HTTPStatus.TOO_MANY_REQUESTS:
                return True
            case HTTPStatus.UNAUTHORIZED:
                return self.retry_after is not None
            case HTTPStatus.FORBIDDEN:
                return self.retry_after is not None or nothing_left(self.headers)
        return False

    @property
    def html(self) -> bool:
        """A page for people: a captive portal, a proxy's or firewall's own words. It says nothing of a token."""
        return "html" in self.headers.get("content-type", "").lower() or self.body.lstrip()[:1] == b"<"

    def json(self) -> JsonTree:
        """The body as JSON, or None when it is none, repeats a key, nests too deep or holds too much.

        A text that holds what the request authenticated with is None: it would be taken for an id or a name, and shown.
        """
        try:
            tree = load_json(self.body, source="answer", max_bytes=MAX_BODY)
        except InputError:
            return None
        return _without(tree, tuple(map(_EchoSearch, self.withheld))) if self.ok and self.withheld else tree

    def json_object(self) -> dict[str, JsonTree] | None:
        """The body as a JSON object, or None."""
        tree = self.json()
        return tree if isinstance(tree, dict) else None


class _EchoSearch:
    """Finds a secret in texts, plain, in another case and encoded."""

    def __init__(self, secret: Secret) -> None:
        text = secret.reveal()
        self._folded = text.casefold()
        self._forms = tuple(form for form, kind in forms(text).items() if kind is not Encoding.HALF)
        self._shortest = min(map(len, self._forms))

    def holds(self, text: str) -> bool:
        data = text.encode("utf-8", "surrogatepass")
        if self._folded in text.casefold():
            return True
        return len(data) >= self._shortest and any(form in data for form in self._forms)


def _without(tree: JsonTree, secrets: tuple[_EchoSearch, ...]) -> JsonTree:
    if isinstance(tree, str):
        return None if any(each.holds(tree) for each in secrets) else tree
    if isinstance(tree, dict):
        return {key: _without(each, secrets) for key, each in tree.items()}
    return [_without(each, secrets) for each in tree] if isinstance(tree, list) else tree


Outcome = Answer | Failure
