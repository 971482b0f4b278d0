"""A token's record: its metadata, never its value."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum, unique
from functools import reduce

from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.leak import Exposure
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.names import TokenName
from tokenguard.domain.scope import Scope
from tokenguard.frozen import Frozen, field, replace

_PERMISSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._*/-]{0,79}", re.ASCII)


@unique
class CredentialKind(StrEnum):
    """The kind of credential."""

    API_TOKEN = "api_token"  # noqa: S105 - a word, not a value
    API_KEY = "api_key"
    SESSION = "session"
    OAUTH_GRANT = "oauth_grant"
    """Inventory without a value: the vendor keeps it (an MCP connector)."""
    PROVIDER_ADMIN = "provider_admin"
    """Creates and revokes other tokens at its provider."""

    @property
    def has_value(self) -> bool:
        """Whether a value of this kind can be stored at all."""
        return self is not CredentialKind.OAUTH_GRANT


@unique
class RecordState(StrEnum):
    """The life-cycle state of a record."""

    PENDING = "pending"
    """Named before its value exists (a crash may leave it here; `add` or `rotate --resume` go on)."""
    UNCLAIMED = "unclaimed"
    """Imported; owner, scope or purpose may be missing."""
    ACTIVE = "active"
    RETIRED = "retired"
    """Revoked and proven dead; kept as a tombstone."""


@unique
class Custody(StrEnum):
    """How the live value is held."""

    MANAGED = "managed"
    """In tokenguard's own layout of the store."""
    ADOPTED = "adopted"
    """In place: an existing field of an existing secret, replaced by compare-and-set."""
    UNREADABLE = "unreadable"
    """Known to be somewhere that cannot be read back (a CI secret)."""
    NONE = "none"
    """There is no value (an OAuth grant)."""


class Location(Frozen, frozen=True):
    """The location of the live value."""

    custody: Custody = Custody.MANAGED
    url: str = ""
    """For `adopted` and `unreadable`: what and where, for example `vault://kv/team/app#token`."""
    server: str = ""
    """For `adopted`: the server's address when it was adopted; another one later must be confirmed with `edit`."""

    @property
    def adopted(self) -> str:
        """The address of a field that others own and that the live value is in; empty for any other custody."""
        return self.url if self.custody is Custody.ADOPTED else ""

    @property
    def shown(self) -> str:
        """With its server, for people."""
        return f"{self.url} on {self.server}" if self.server else self.url


@unique
class ConsumerKind(StrEnum):
    """How a value is delivered to a consumer."""

    DOTENV = "dotenv"
    COMMAND = "command"
    PERSON = "person"
    GITHUB = "github"
    GITLAB = "gitlab"
    KUBERNETES = "k8s"
    DOPPLER = "doppler"
    ONEPASSWORD = "onepassword"
    VAULT = "vault"
    AWS = "aws"

    @property
    def is_field(self) -> bool:
        """Whether it is a field of an entry that others own, whose address does not say on which server that is."""
        return self in {ConsumerKind.VAULT, ConsumerKind.AWS}

    @property
    def takes_many(self) -> bool:
        """Whether it may be given the values of several tokens; elsewhere each would overwrite the one before."""
        return self in {ConsumerKind.PERSON, ConsumerKind.COMMAND}


def is_permission(text: str) -> bool:
    """Whether it is written as providers write permissions, for example `posts:write`."""
    return _PERMISSION.fullmatch(text) is not None


class Consumer(Frozen, frozen=True):
    """One place that uses the token: `dotenv:/srv/app/.env#DESCRIPT_API_TOKEN`, `command:NAME`, `github:…`."""

    kind: ConsumerKind
    target: str
    server: str = ""
    """For a field: its server's address when it was declared; another one later must be confirmed with `edit`."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}"

    @property
    def unpinned(self) -> bool:
        """Whether a record is silent on its server; on AWS itself there is none to name beside the region."""
        return self.kind is ConsumerKind.VAULT and not self.server

    @property
    def shown(self) -> str:
        """With its server, for people."""
        return f"{self} on {self.server}" if self.server else str(self)

    def pinned(self, servers: Sequence[str], known: Iterable["Consumer"] = ()) -> "Consumer":
        """The same consumer on one of these servers: where it is known to be, if that is one of them, or the first."""
        there = next((each for each in known if (each.kind, each.target) == (self.kind, self.target)), self)
        return there if not servers or there.server in servers else replace(self, server=servers[0])


class AfterDelivery(Frozen, frozen=True):
    """The command that makes a consumer use a delivered value: a reload, a redeployment."""

    consumer: str
    """As it is written."""
    command: str
    """The name of a command of the runner's configuration; a record never holds the command itself."""

    def __str__(self) -> str:
        return f"{self.consumer}={self.command}"


class LeakWaiver(Frozen, frozen=True, kw_only=True):
    """A waiver: a live value may stay where scans find it until a date."""

    owner: str
    """A team."""
    reason: str
    until: datetime
    """From this moment on it is a finding again."""
    fingerprint: Fingerprint | None
    """Of the value it was given for; the next value is not covered."""


class Record(Frozen, frozen=True, kw_only=True):
    """The facts of one token. Empty text means unknown (only `unclaimed` may lack owner, scope and purpose)."""

    name: TokenName
    provider: str
    kind: CredentialKind = CredentialKind.API_TOKEN
    state: RecordState = RecordState.PENDING
    scope: Scope | None = None
    scope_name: str = ""
    permissions: tuple[str, ...] = ()
    environment: str = ""
    purpose: str = ""
    owner: str = ""
    """The responsible team."""
    made_by: str = ""
    """The person who created it: a Descript token stops working when that person loses access to the Drive."""
    account: str = ""
    """The login at the provider that created it; for an API, the admin credential."""
    creator_recorded: bool = False
    """Whether both were recorded when the live value was created; a manifest does not change them then."""
    deputy: str = ""
    """Who acts when the owner cannot be reached."""
    consumers: tuple[Consumer, ...] | None = None
    """None: not declared. Empty: declared to have no consumers that receive deliveries."""
    after: tuple[AfterDelivery, ...] = ()
    """What runs after a delivery to a consumer."""
    location: Location = field(default_factory=Location)
    base_url: str = ""
    """The provider's address when the record was made; another one later must be confirmed with `edit`."""
    created_at: datetime | None = None
    """When the live value was created, as stated by the provider, a file, a person or a rotation; None if unknown."""
    added_at: datetime | None = None
    rotated_at: datetime | None = None
    """When the live value replaced an older one. Until 2026-11 also set when a value was added."""
    due_at: datetime | None = None
    """An explicit due date; otherwise the policy's maximum age counts from `rotated_at`."""
    ends_at: datetime | None = None
    """When the provider ends the live value by itself, if it was created with an expiry."""
    fingerprint: Fingerprint | None = None
    provider_id: str = ""
    """The provider's immutable id of the live value, where it has one."""
    hint: str = ""
    """The text that the provider shows instead of the value (`sk-social-…x7y9`)."""
    label: str = ""
    """The name the live value has at the provider, if tokenguard gave it one."""
    seen: Observation | None = None
    """The last observation of the live value."""
    accepted_at: datetime | None = None
    """When the provider accepted the live value before `seen`: a later refusal may then be an outage."""
    imported_from: str = ""
    """The line that it was imported from, in the form of a consumer: `dotenv:/srv/app/.env#DESCRIPT_API_TOKEN`."""
    leak_waiver: LeakWaiver | None = None
    leaks: tuple[Exposure, ...] = ()
    """Leaks that have not ended, one for each value: each ends with a proven death of its value, or by a person."""
    notes: str = ""

    @property
    def installation(self) -> tuple[str, str]:
        """The provider and its address: tokens of another one cannot be compared with this one."""
        return self.provider, self.base_url

    @property
    def places(self) -> tuple[str, ...]:
        """Where its value is, or is to be, and no other token's may be."""
        if self.state is RecordState.RETIRED:
            return ()
        adopted = (self.location.adopted,) if self.location.adopted else ()
        return (*adopted, *(str(each) for each in self.consumers or () if not each.kind.takes_many))

    def command_after(self, consumer: Consumer) -> str:
        """The command that runs after a delivery to the consumer; empty if there is none."""
        return next((each.command for each in self.after if each.consumer == str(consumer)), "")

    @property
    def last_accepted(self) -> datetime | None:
        """When the provider last accepted the live value; None if no acceptance is recorded."""
        seen = self.seen
        return seen.at if seen is not None and seen.verdict is Verdict.ALIVE else self.accepted_at

    def with_look(self, seen: Observation) -> "Record":
        """The record with a later observation, which does not erase that the value was accepted before."""
        return replace(self, seen=seen, accepted_at=self.last_accepted)

    @property
    def has_leaked(self) -> bool:
        """Whether a leak of it has not ended."""
        return bool(self.leaks)

    @property
    def leaked(self) -> Exposure | None:
        """What is known of its leaks together: the earliest time, the widest reach; None if none is open."""
        return reduce(Exposure.joined, self.leaks) if self.leaks else None

    @property
    def live_leak(self) -> Exposure | None:
        """What is known of the leaks of the live value, which a rotation ends; so does one of an unknown value."""
        unknown = {None, self.fingerprint}
        found = [each for each in self.leaks if self.fingerprint is None or each.fingerprint in unknown]
        return reduce(Exposure.joined, found) if found else None

    @property
    def older_leak(self) -> Exposure | None:
        """What is known of the leaks of replaced values, which no rotation of the live one ends."""
        known = {None, self.fingerprint}
        found = [each for each in self.leaks if self.fingerprint is not None and each.fingerprint not in known]
        return reduce(Exposure.joined, found) if found else None

    def with_leak(self, leak: Exposure) -> "Record":
        """The record with a leak, joined with what was reported of the same value before."""
        same = [each for each in self.leaks if each.fingerprint == leak.fingerprint]
        others = tuple(each for each in self.leaks if each.fingerprint != leak.fingerprint)
        return replace(self, leaks=(*others, reduce(Exposure.joined, [*same, leak])))

    @property
    def waived_leak(self) -> LeakWaiver | None:
        """The waiver, if it is for the live value."""
        waiver = self.leak_waiver
        return waiver if waiver is not None and waiver.fingerprint == self.fingerprint else None

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields an `unclaimed` record still needs before it is a full member of the inventory."""
        wanted = {
            "owner": self.owner,
            "scope": self.scope,
            "purpose": self.purpose,
            "environment": self.environment,
        }
        return tuple(name for name, value in wanted.items() if not value)
