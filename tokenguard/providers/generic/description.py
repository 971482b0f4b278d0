"""What a provider file says, checked: the nouns of a described provider."""

import string
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum, StrEnum, unique

from tokenguard.documents import JsonTree, Tree
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.secret import TOKEN_FIELD, Secret, Value
from tokenguard.domain.token import CredentialKind
from tokenguard.http.client import Credential
from tokenguard.ports.provider import Guide
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paced import Rate
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
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
Pairs = tuple[tuple[str, str], ...]
"""Names and texts, which may hold placeholders."""
PERMISSION_PLACEHOLDERS = ("permissions", "permission", "each_permission")
_UPDATED = {"label": frozenset({"label"}), "permissions": frozenset(PERMISSION_PLACEHOLDERS)}


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
class CredentialPart:
    """One header, or one parameter of the query, that carries fields of a value."""

    header: str = ""
    parameter: str = ""
    prefix: str = ""
    text: str = "{token}"
    """With the names of the value's fields in braces; `token` is the one that authenticates."""
    base64: bool = False
    """Encoded as a whole, as Basic authentication wants it."""

    def credential(self, value: Value) -> Credential | None:
        """The part with the value's fields in place; None if the value lacks one of them."""
        fields = {name: value.field(name).reveal() for name in value.names} | {TOKEN_FIELD: value.token.reveal()}
        if not request_template.names(self.text) <= fields.keys():
            return None
        text = request_template.filled(self.text, fields)
        if self.base64:
            text = b64encode(text.encode()).decode()
        return Credential(secret=Secret(text), header=self.header, prefix=self.prefix, parameter=self.parameter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How a request carries a credential."""

    parts: tuple[CredentialPart, ...] = (CredentialPart(header="Authorization", prefix="Bearer "),)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields of a value that it uses; `token` always."""
        return request_template.names([part.text for part in self.parts]) | {TOKEN_FIELD}

    def credentials(self, value: Value) -> tuple[Credential, ...] | None:
        """What a request carries; None if the value lacks a field that it needs."""
        found = tuple(part.credential(value) for part in self.parts)
        return None if None in found else tuple(each for each in found if each is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What an answer must be to mean something: its status, and what stands at one place of its body."""

    status: int
    at: JsonPointer | None = None
    texts: frozenset[str] = frozenset()
    """Any of these, exactly; numbers and booleans as they are written in JSON."""

    def holds(self, status: int, tree: JsonTree) -> bool:
        """Whether an answer is that."""
        return status == self.status and (self.at is None or plain_text(self.at.find(tree)) in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The read-only request that tells whether a token is alive."""

    route: Route
    query: Pairs = ()
    body: Tree = None
    """Of an introspection (RFC 7662), which is a POST of the token as a form."""
    alive: tuple[Condition, ...] = (Condition(status=200),)
    dead: tuple[Condition, ...] = (Condition(status=401),)
    scope: JsonPointer | None = None
    scope_name: JsonPointer | None = None

    def verdict(self, status: int, tree: JsonTree) -> Verdict:
        """What an answer means. What its body says comes before what its status says alone; both at once is neither."""
        for by_body in (True, False):
            found = [
                verdict
                for verdict, conditions in ((Verdict.ALIVE, self.alive), (Verdict.DEAD, self.dead))
                if any((each.at is not None) is by_body and each.holds(status, tree) for each in conditions)
            ]
            if found:
                return found[0] if len(found) == 1 else Verdict.UNKNOWN
        return Verdict.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """The request that makes a token, and where its answer holds what."""

    route: Route
    query: Pairs = ()
    body: Tree
    value: Mapping[str, JsonPointer]
    """By the name of the value's field."""
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
        text = plain_text(self.field.find(row))
        if text in self.alive:
            return RowStatus.ALIVE
        return RowStatus.ENDED if text in self.ended else RowStatus.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The request that lists tokens; the pointers below `items` are relative to one row."""

    route: Route
    query: Pairs = ()
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
    permissions: JsonPointer | None = None
    """A list of them, or a text with spaces between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """One of the requests that end a token, in their order."""

    route: Route
    query: Pairs = ()
    body: Tree = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """The request that gives a token a new value in place, and where its answer holds what."""

    route: Route
    query: Pairs = ()
    body: Tree
    value: Mapping[str, JsonPointer]
    id: JsonPointer | None
    """None: the token keeps its id."""
    hint: JsonPointer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The request that changes a token's label, its permissions or both, and nothing else of it."""

    route: Route
    query: Pairs = ()
    body: Tree

    @property
    def fields(self) -> frozenset[str]:
        """The fields of a record that it sends."""
        used = placeholders(self)
        return frozenset(field for field, names in _UPDATED.items() if names & used)


@unique
class RevokerLogin(StrEnum):
    """What authenticates the request that revokes a token by its value."""

    ADMIN = "admin"
    """The admin credential, as in other requests."""
    BODY = "body"
    """The admin credential, by placeholders in the body."""
    ITSELF = "token"
    """The token itself."""
    NONE = "none"

    @property
    def uses_admin(self) -> bool:
        """Whether the request needs the admin credential."""
        return self in {RevokerLogin.ADMIN, RevokerLogin.BODY}


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeValue:
    """The request that ends a token which it holds instead of naming it, such as RFC 7009 describes."""

    route: Route
    body: Tree
    form: bool
    login: RevokerLogin
    leaked_only: bool
    """Whether the service offers it for leaked values alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How late the service's answers may be, and how long tokenguard waits between looks; None: by default."""

    revoke_lag: timedelta
    activate_lag: timedelta
    list_lag: timedelta | None
    pause: timedelta
    death_floor: timedelta | None
    confirm_after: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A whole provider file."""

    name: str
    base_url: str
    source: Mapping[str, str]
    """Where the vendor describes its API (`documentation`, `contract`), when that was read (`checked`), and when the
    file was tried with an account (`tried_live`)."""
    kind: CredentialKind
    scope_kind: str
    headers: tuple[tuple[str, str], ...]
    """The same in every request, such as the version of the API."""
    form: bool
    """Whether bodies are sent as a form instead of JSON."""
    media_type: str = JSON
    """What kind of JSON bodies are."""
    auth: Auth
    admin_auth: Auth
    """How the admin credential is carried."""
    guide: Guide
    probe: Probe | None
    create: Create | None
    rows: Rows | None
    revoke: tuple[Revoke, ...]
    """Empty: a person does it, or the value is shown."""
    revoke_value: RevokeValue | None
    replace: Replace | None
    update: Update | None
    lifetime: timedelta | None
    """What is asked for when a token is made, where the service lets tokens expire."""
    shape: Shape | None
    overlap: bool
    max_active: int | None
    label_limit: int | None
    label_punctuation: str
    label_letter_first: bool
    rate: Rate | None
    """How many requests may be sent in what time."""
    permissions: Mapping[str, str]
    """What each permission of a token allows; empty: not listed, so that any is passed on."""
    admin_permissions: Mapping[str, str]
    """What the admin credential needs at least, and for what."""
    delays: Delays

    @property
    def uses_admin(self) -> bool:
        """Whether a request needs the admin credential."""
        shown = self.revoke_value is not None and self.revoke_value.login.uses_admin
        return shown or self.rows is not None

    @property
    def changes_by_id(self) -> bool:
        """Whether a request ends or changes a token that it names."""
        return bool(self.revoke) or self.replace is not None or self.update is not None

    @property
    def creates_per_scope(self) -> bool:
        """Whether the request that makes a token names its scope."""
        if self.create is None:
            return False
        return "scope" in placeholders(self.create)

    @property
    def lists_per_scope(self) -> bool:
        """Whether a list holds the tokens of one scope only."""
        if self.rows is None:
            return False
        return "scope" in placeholders(self.rows)


def expires(said: Create | Replace) -> bool:
    """Whether a request says when the new value ends."""
    return any(name.startswith("expires_") for name in placeholders(said))


def placeholders(said: Create | Replace | Rows | Revoke | Update) -> frozenset[str]:
    """The names of the placeholders in a request: in its path, query and body."""
    texts: list[Tree] = [*said.route.segments, *(text for _, text in said.query)]
    body = None if isinstance(said, Rows) else said.body
    return request_template.names(body) | request_template.names(texts)


def plain_text(tree: JsonTree) -> str:
    """Text as it is, a whole number or boolean as JSON writes it; empty for anything else."""
    if isinstance(tree, bool):
        return "true" if tree else "false"
    return str(tree) if isinstance(tree, int | str) else ""
