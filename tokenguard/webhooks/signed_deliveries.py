"""Signed deliveries of Autoposting and of `tokenguard notify`: fresh, unchanged, and each handled once."""

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol, cast

from tokenguard.documents import JsonTree, load_json
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.http.signature import SIGNATURE, TIMESTAMP, signature
from tokenguard.http.system_clock import SystemClock
from tokenguard.ports.clock import Clock
from tokenguard.webhooks.refusal import Reason, Refused
from tokenguard.webhooks.replays import Replays

MAX_BODY = 1 << 20
"""Bytes."""
WINDOW = timedelta(minutes=5)
_SKEW = timedelta(seconds=30)
_RETRIES = timedelta(hours=24)
"""The vendor tries again over some 18 hours, and asks receivers to know a delivery by its id."""
_SIGNATURE = re.compile(r"(?:sha256=)?([0-9a-fA-F]{64})", re.ASCII)
_UNIX = re.compile(r"[0-9]{10}(?:[0-9]{3})?", re.ASCII)
_ISO = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_EVENT = re.compile(r"[a-z][a-z0-9._-]{0,63}", re.ASCII)


class HeaderPairs(Protocol):
    """Headers as frameworks and `http.server` hold them: a mapping, or a message with `items()`."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Each name with its value."""
        ...


Headers = HeaderPairs | Iterable[tuple[str, str]]
"""As the server gives them; pairs show a header that is there twice, a mapping may hide it."""


class Memory(Protocol):
    """Where received ids are remembered; `Replays` is one."""

    def take(self, key: str, now: float, until: float) -> bool:
        """Whether the key is new."""
        ...

    def release(self, key: str) -> None:
        """Forget it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """A genuine delivery, as it was signed."""

    id: str
    event: str
    organisation: str
    signed_at: datetime
    data: dict[str, JsonTree] = field(repr=False)
    """What it is about: text from outside."""


class _SignedDeliveries:
    """What both kinds have in common."""

    _sender: ClassVar[str]
    """Keeps the ids of several senders apart in one memory."""
    _names: ClassVar[Mapping[str, str]]
    """The two headers, in lower case, by what they hold."""
    _organisation_key: ClassVar[str]
    """The key of the body that holds the organisation."""

    def __init__(
        self,
        secrets: Sequence[Secret],
        *,
        organisation: str = "",
        window: timedelta = WINDOW,
        memory: Memory | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not secrets or not all(len(secret) for secret in secrets):
            raise InputError(
                "a webhook needs its signing secret", hint="give the secret that was shown when the webhook was created"
            )
        self._secrets = tuple(secrets)
        self._organisation = organisation
        self._window = window
        self._memory = memory if memory is not None else Replays()
        self._clock = clock or SystemClock()

    @contextmanager
    def receive(self, headers: Headers, body: bytes) -> Iterator[WebhookDelivery]:
        """The delivery, to be handled inside the `with`; if that raises, the same delivery may come again.

        Args:
            headers: all of the request, best as pairs.
            body: the raw bytes, before anything parsed them.

        Raises:
            Refused: it must not be acted upon; `.status` is what to answer.
            Unreachable: it cannot be remembered now; answer 503.
        """
        delivery = self._genuine(headers, body)
        now = self._clock.now().timestamp()
        key = f"{self._sender}:{delivery.id}"
        if not self._memory.take(key, now, now + max(_RETRIES, 2 * self._window).total_seconds()):
            raise Refused(Reason.REPLAY)
        try:
            yield delivery
        except BaseException:
            self._memory.release(key)
            raise

    def _genuine(self, headers: Headers, body: bytes) -> WebhookDelivery:
        if len(body) > MAX_BODY:
            raise Refused(Reason.TOO_LARGE)
        found = _ours(headers, self._names)
        signed_at = _moment(found["timestamp"])
        given = _SIGNATURE.fullmatch(found["signature"])
        if signed_at is None or given is None:
            raise Refused(Reason.HEADERS)
        age = self._clock.now() - signed_at
        if age > self._window:
            raise Refused(Reason.STALE)
        if age < -_SKEW:
            raise Refused(Reason.FUTURE)
        if not self._signed(found["timestamp"], body, bytes.fromhex(given[1])):
            raise Refused(Reason.SIGNATURE)
        return self._parsed(body, signed_at)

    def _signed(self, timestamp: str, body: bytes, given: bytes) -> bool:
        matches = [hmac.compare_digest(signature(secret, timestamp, body), given) for secret in self._secrets]
        return any(matches)  # over a list: every key is tried, whichever fits

    def _parsed(self, body: bytes, signed_at: datetime) -> WebhookDelivery:
        try:
            tree = load_json(body, source="delivery", max_bytes=MAX_BODY)
        except InputError:
            raise Refused(Reason.MALFORMED) from None
        fields = tree if isinstance(tree, dict) else {}
        identifier, event, data = fields.get("id"), fields.get("event"), fields.get("data", {})
        organisation = fields.get(self._organisation_key, "")
        if not (
            isinstance(identifier, str)
            and _ID.fullmatch(identifier)
            and isinstance(event, str)
            and _EVENT.fullmatch(event)
            and isinstance(data, dict)
            and isinstance(organisation, str)
        ):
            raise Refused(Reason.MALFORMED)
        if self._organisation and organisation != self._organisation:
            raise Refused(Reason.NOT_CONFIRMED)
        return WebhookDelivery(id=identifier, event=event, organisation=organisation, signed_at=signed_at, data=data)


class AutopostingDeliveries(_SignedDeliveries):
    """Receives the deliveries of one Autoposting webhook.

    Args:
        secrets: the webhook's signing secret; while it is being replaced, the new and the old one.
        organisation: the id that deliveries must name (`orgId`); empty: any.
        window: how old a signature may be.
        memory: where received ids are remembered.
        clock: for tests.
    """

    _sender = "autoposting"
    _names: ClassVar[Mapping[str, str]] = {
        "x-autoposting-signature": "signature",
        "x-autoposting-timestamp": "timestamp",
    }
    _organisation_key = "orgId"


class NotificationDeliveries(_SignedDeliveries):
    """Receives what `tokenguard notify` sends.

    Args:
        secrets: the webhook's signing secret; while it is being replaced, the new and the old one.
        organisation: the id of the store that they must come from; empty: any.
        window: how old a signature may be.
        memory: where received ids are remembered.
        clock: for tests.
    """

    _sender = "tokenguard"
    _names: ClassVar[Mapping[str, str]] = {SIGNATURE.lower(): "signature", TIMESTAMP.lower(): "timestamp"}
    _organisation_key = "store"


def _ours(headers: Headers, names: Mapping[str, str]) -> dict[str, str]:
    """The two headers that matter, each exactly once; event and id are taken from what was signed, not from headers."""
    found: dict[str, str] = {}
    for name, value in _pairs(headers):
        ours = names.get(name.lower())
        if ours is None:
            continue
        if ours in found:
            raise Refused(Reason.HEADERS)
        found[ours] = value
    if len(found) != len(names):
        raise Refused(Reason.HEADERS)
    return found


def _pairs(headers: Headers) -> Iterable[tuple[str, str]]:
    if hasattr(headers, "items"):
        return cast("HeaderPairs", headers).items()
    return headers


def _moment(text: str) -> datetime | None:
    """The time a delivery was signed at: Unix seconds or milliseconds, or ISO 8601 in UTC; None for anything else."""
    if _UNIX.fullmatch(text):
        seconds = int(text) / (1 if len(text) == 10 else 1000)  # noqa: PLR2004 - digits of a time in seconds
        return datetime.fromtimestamp(seconds, UTC)
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
