"""What a provider file says, checked: the nouns of a described provider."""

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum

from tokenguard.documents import JsonTree, Tree
from tokenguard.domain.token import CredentialKind
from tokenguard.ports.provider import Guide
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paging import Paging
from tokenguard.providers.route import Route

CHARACTERS: Mapping[str, frozenset[str]] = {
    "digits": frozenset(string.digits),
    "hex": frozenset(string.hexdigits),
    "letters": frozenset(string.ascii_letters),
    "alnum": frozenset(string.ascii_letters + string.digits),
    "base64": frozenset(string.ascii_letters + string.digits + "+/="),
    "base64url": frozenset(string.ascii_letters + string.digits + "-_="),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a value looks like: a prefix, then between `shortest` and `longest` characters of one set.

    A grammar this small needs no regular expression, and so no value can make the check slow.
    """

    prefix: str
    characters: str
    shortest: int
    longest: int

    def fits(self, text: str) -> bool:
        """Whether `text` looks like that."""
        rest = text.removeprefix(self.prefix)
        return (
            text.startswith(self.prefix)
            and self.shortest <= len(rest) <= self.longest
            and CHARACTERS[self.characters].issuperset(rest)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """The header that carries the credential."""

    header: str = "Authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The read-only request that tells whether a token is alive."""

    route: Route
    query: tuple[tuple[str, str], ...] = ()
    alive: frozenset[int] = frozenset({200})
    dead: frozenset[int] = frozenset({401})
    scope: JsonPointer | None = None
    scope_name: JsonPointer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """The request that makes a token, and where its answer holds what."""

    route: Route
    body: Tree
    value: JsonPointer
    id: JsonPointer
    hint: JsonPointer | None = None


class RowStatus(IntEnum):
    """What the status of a row says. Where several rows have one id, the greatest counts."""

    ENDED = 0
    UNKNOWN = 1
    ALIVE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a row says whether its token is alive, for services that keep ended tokens in their list."""

    field: JsonPointer
    alive: frozenset[str]
    ended: frozenset[str]

    def of(self, row: JsonTree) -> RowStatus:
        """What a row says. Text counts exactly, numbers and booleans as they are written in JSON."""
        found = self.field.find(row)
        if isinstance(found, bool):
            found = "true" if found else "false"
        text = str(found) if isinstance(found, int | str) else ""
        if text in self.alive:
            return RowStatus.ALIVE
        return RowStatus.ENDED if text in self.ended else RowStatus.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The request that lists tokens; the pointers below `items` are relative to one row."""

    route: Route
    query: tuple[tuple[str, str], ...] = ()
    items: JsonPointer
    id: JsonPointer
    label: JsonPointer
    more: Mapping[str, JsonPointer] = field(default_factory=dict)
    """`hint`, `created`, `last_used`, `expires`."""
    paging: Paging
    following: JsonPointer | None = None
    """Where the next cursor is, or the address of the next answer; None: in the `Link` header."""
    total: JsonPointer | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """The request that ends a token."""

    route: Route
    body: Tree = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A whole provider file."""

    name: str
    base_url: str
    kind: CredentialKind
    scope_kind: str
    auth: Auth
    guide: Guide
    probe: Probe | None
    create: Create | None
    rows: Rows | None
    revoke: Revoke | None
    shape: Shape | None
    overlap: bool
    max_active: int | None
    label_limit: int | None
    revoke_lag: timedelta
    activate_lag: timedelta
    list_lag: timedelta | None
    pause: timedelta
    death_floor: timedelta | None
    confirm_after: timedelta | None
