"""Fault settings of the sandbox: lags, lost replies, error bursts, portals, outages."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique


@unique
class Operation(StrEnum):
    """An effect whose reply can be lost after it took place."""

    TOKEN_CREATE = "token.create"  # noqa: S105 - an operation's name
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - an operation's name
    KEY_CREATE = "key.create"
    KEY_UPDATE = "key.update"
    KEY_DELETE = "key.delete"


@unique
class StatusRoute(StrEnum):
    """What Descript's `GET /status` does; its documentation and its users disagree."""

    OFF = "off"
    PLAIN = "plain"
    WITH_DRIVE = "with-drive"


@unique
class ListPaging(StrEnum):
    """How the Autoposting-like vendor gives out its list of keys; the documentation says by offset."""

    OFFSET = "offset"
    NONE = "none"
    CURSOR = "cursor"
    PAGE = "page"
    LINK = "link"


@dataclass(slots=True, kw_only=True)
class ListStyle:
    """How that list looks. Where the vendor's pages say nothing, every possibility is here."""

    paging: ListPaging = ListPaging.OFFSET
    usual: int = 50
    """Keys in one answer if no `limit` is asked for; documented."""
    most: int = 100
    """Maximum keys in one answer; documented."""
    newest_first: bool = False
    wrapped: bool = False
    """`data` is an object with `items`, as in some lists of the vendor's SDK; the documentation shows an array."""
    total: bool = True
    """Whether the count of all keys is told."""
    total_off: int = 0
    """By how much that count is wrong."""
    lag: float = 0.0
    """Seconds until a new key is listed, and a revoked one is not."""
    statuses: tuple[str, str] = ("", "")
    """The status of a live key and of a revoked one, which stays in the list then; empty: no status is shown."""
    before_answer: Callable[[int], None] | None = None
    """Called before the n-th answer of a list is made, counted from 1; may make and revoke keys."""


@dataclass(frozen=True, slots=True)
class FaultBurst:
    """The next `count` API requests get `status`, with a Retry-After if one is given."""

    status: int
    count: int
    retry_after: str = ""


@dataclass(slots=True)
class FaultSettings:
    """Mutable while the sandbox runs; every field is one fault."""

    revoke_lag: float = 0.0
    """Seconds a revoked value is still accepted."""
    latency: float = 0.0
    """Seconds before each answer, as a network would take."""
    activation_lag: float = 0.0
    """Seconds a new value is not yet accepted."""
    drop_reply_after_commit: dict[str, int] = field(default_factory=dict)
    """How many replies of an `Operation` are still to be lost after the effect."""
    status_storm: FaultBurst | None = None
    captive_portal: bool = False
    """Every API request gets 200 and a login page."""
    global_401: bool = False
    """Every API request gets 401, with any credential."""
    status_route: StatusRoute = StatusRoute.PLAIN
    delete_route: bool = True
    """Whether Autoposting's `DELETE /api-keys/{id}` exists."""
    create_with: str = ""
    """`session` or `api_key`: what a create of a key must come with; the vendor's pages differ. Empty: either."""
    logout_route: bool = True
    """Whether there is a `POST /auth/logout`, which no page of the vendor describes."""
    idle_delete: bool = False
    """That route says that it has revoked the key, and does nothing."""
    per_minute: int = 600
    """Requests of one key that the Autoposting-like vendor answers in a minute: an assumption, documented nowhere."""
    list_style: ListStyle = field(default_factory=ListStyle)
    """How `GET /api-keys` answers."""
    forced: dict[str, int] = field(default_factory=dict)
    """By the id of a token or key: the status every authenticated request of it gets (402, 403 ...)."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def drops(self, operation: Operation) -> bool:
        """Whether this reply is to be lost; counts down."""
        with self._lock:
            left = self.drop_reply_after_commit.get(operation, 0)
            self.drop_reply_after_commit[operation] = max(left - 1, 0)
            return left > 0

    def next_fault(self) -> FaultBurst | None:
        """The fault burst that affects this request, if any; counts down."""
        with self._lock:
            storm = self.status_storm
            if storm is None or storm.count <= 0:
                return None
            self.status_storm = FaultBurst(storm.status, storm.count - 1, storm.retry_after)
            return storm
