"""The provider port: probing for every provider; listing, creating and revoking where an API exists."""

from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from tokenguard.domain.liveness import DeathWindow, Observation
from tokenguard.domain.names import LABEL_LIMIT, LABEL_PUNCTUATION, Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.domain.token import CredentialKind, Record
from tokenguard.errors import Unreachable
from tokenguard.frozen import Frozen


class Ambiguous(Unreachable):
    """The request may or may not have taken effect; never repeat a create after this."""


class CreateRefused(Unreachable):
    """The provider refused; nothing took effect."""


@unique
class Method(StrEnum):
    """How an action is done at a provider."""

    API = "api"
    PERSON = "person"
    """Manually, guided and resumable."""
    NEVER = "never"


@unique
class ByValue(StrEnum):
    """When a provider revokes a token whose value it is shown, without an id."""

    NEVER = "never"
    LEAKED = "leaked"
    """Only where the value has leaked: the provider offers it for that, and may tell the token's owner."""
    ALWAYS = "always"

    def allows(self, *, leaked: bool) -> bool:
        """Whether the provider may be shown the value of a token that has leaked, or has not."""
        return self is ByValue.ALWAYS or (self is ByValue.LEAKED and leaked)


class Capabilities(Frozen, frozen=True, kw_only=True):
    """A provider's declared capabilities, from which a rotation is planned."""

    mint: Method
    revoke: Method
    by_value: ByValue = ByValue.NEVER
    replaces: bool = False
    """Whether a token can be given a new value in place, which ends the old one before consumers have the new one."""
    updates: frozenset[str] = frozenset()
    """What of a token can be changed while its value stays: the fields `label` and `permissions` of a record."""
    probe: bool
    """Whether tokens can be probed. If not, only the list can prove a death."""
    probes_admin: bool = True
    """Whether the probe carries the admin credential as other requests do; otherwise it would refuse a valid one."""
    lists: bool = False
    """Whether tokens can be found by their label through the API."""
    hints: bool = True
    """Whether the list shows a part of each value, by which a token is found whose id is not on record."""
    lists_per_scope: bool = False
    """Whether one list holds the tokens of one scope only."""
    creates_per_scope: bool = False
    """Whether the request that creates a token names the scope."""
    verifies_scope: bool = False
    scope_kind: str = ""
    """`drive`, `org`; empty: any."""
    kind: CredentialKind = CredentialKind.API_TOKEN
    overlap: bool = True
    """False if creating a token revokes the old one, so planned mode cannot guarantee P1."""
    revoke_lag: timedelta = timedelta(0)
    activate_lag: timedelta = timedelta(0)
    """How long a new token may answer 401 before it counts."""
    death_floor: timedelta = timedelta(seconds=60)
    confirm_after: timedelta = timedelta(hours=24)
    max_active: int | None = None
    label_limit: int = LABEL_LIMIT
    """The maximum length of a token's name."""
    label_punctuation: str = LABEL_PUNCTUATION
    """What a token's name may have besides letters and digits."""
    label_letter_first: bool = False
    """Whether a token's name must begin with a letter."""
    last_used: bool = False
    pause: timedelta = timedelta(0)
    """The minimum time between two rotations, from the provider's rate limit."""
    fields: tuple[str, ...] = (TOKEN_FIELD,)
    """The names of the fields of a value, sorted."""
    admin_fields: tuple[str, ...] = (TOKEN_FIELD,)
    """The same for the admin credential."""
    lifetime: timedelta | None = None
    """After which the provider ends a new token by itself, as the request that creates it says."""
    lifetime_in_place: timedelta | None = None
    """The same for a new value in place; None: it changes no expiry."""
    list_lag: timedelta = timedelta(0)
    """How long the provider's list may miss a new token, or still show a revoked one."""

    @property
    def death_window(self) -> DeathWindow:
        """The duration and number of refusals that prove a token dead."""
        return DeathWindow.of(self.revoke_lag, self.death_floor, self.confirm_after)

    @property
    def unattended(self) -> bool:
        """Whether a rotation needs no person."""
        return self.mint is Method.API and self.revoke is Method.API

    @property
    def asks_by_api(self) -> bool:
        """Whether something is created, ended or changed with the admin credential."""
        return Method.API in {self.mint, self.revoke} or self.replaces or bool(self.updates)

    def probes(self, kind: CredentialKind) -> bool:
        """Whether a credential of this kind can be probed: an admin credential only if it is carried as tokens are."""
        as_tokens = self.probes_admin and self.admin_fields == self.fields
        return self.probe and (as_tokens or kind is not CredentialKind.PROVIDER_ADMIN)

    def revokes(self, record: Record) -> bool:
        """Whether the token of a record can be revoked without a person: shown, by its id, or found by a hint."""
        known = self.by_value is ByValue.ALWAYS or bool(record.provider_id) or self.hints
        return self.revoke is Method.API and known


class TokenRequest(Frozen, frozen=True, kw_only=True):
    """A request for a new token; its label is recorded beforehand and is the idempotency key."""

    label: Label
    scope: Scope | None
    scope_name: str = ""
    permissions: tuple[str, ...] = ()


class CreatedToken(Frozen, frozen=True, kw_only=True):
    """A new token; the provider shows its value only once."""

    value: Value
    provider_id: str = ""
    hint: str = ""


class ProviderToken(Frozen, frozen=True, kw_only=True):
    """A token in the provider's own list."""

    provider_id: str
    label: str
    hint: str = ""
    permissions: tuple[str, ...] = ()
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None


class TokenList(Frozen, frozen=True, kw_only=True):
    """A provider's own list of tokens, and whether it was read to its end.

    What is in it exists, always. What is not in it is absent only if the list is complete *and* holds a token that is
    known to be alive, wherever one is known: `rotation.absence` and `policy.context` decide that.
    """

    rows: tuple[ProviderToken, ...] = ()
    gap: str = ""
    """Why tokens may be missing; empty: it was read to its end by the provider's own rule."""

    @property
    def complete(self) -> bool:
        """Whether it was read to its end."""
        return not self.gap

    def named(self, label: str) -> tuple[ProviderToken, ...]:
        """The tokens with exactly this label."""
        return tuple(row for row in self.rows if row.label == label)

    def of_id(self, provider_id: str) -> tuple[ProviderToken, ...]:
        """The tokens with exactly this id."""
        return tuple(row for row in self.rows if row.provider_id == provider_id)

    def holds(self, provider_id: str, label: str = "") -> bool:
        """Whether a token is in it: by its id, or by its label if the id is not known."""
        if provider_id:
            return bool(self.of_id(provider_id))
        return bool(label) and bool(self.named(label))


class Guide(Frozen, frozen=True):
    """Words for a person: where to go, and what to do there. Placeholders are filled by the caller's fields."""

    where: str
    """A place only the provider's own code names, for example `https://web.descript.com > Settings > API tokens`."""
    create: tuple[str, ...] = ()
    """Steps with `{label}`, `{scope}`, `{scope_name}`, `{permissions}`."""
    revoke: tuple[str, ...] = ()
    """Steps with `{label}`, `{hint}`, `{scope}`, `{scope_name}`."""


class Issuer(Protocol):
    """Creates, lists and revokes tokens by API with the admin credential."""

    def create(self, wanted: TokenRequest) -> CreatedToken:
        """Create one token; Ambiguous if it may exist, CreateRefused if it does not."""
        ...

    def listed(self) -> TokenList:
        """All live tokens of the account, and whether these are all. Raises Unreachable."""
        ...

    def revoke(self, provider_id: str) -> None:
        """Ask to end one token by its immutable id; one that is gone already is not an error. Ambiguous, Refused.

        Returning says that the provider agreed, not that the token is gone: `rotation.absence` looks.
        """
        ...


@runtime_checkable
class Replacer(Protocol):
    """An issuer that gives a token a new value in place."""

    def replace(self, provider_id: str, wanted: TokenRequest) -> CreatedToken:
        """Ask for a new value, which ends the old one; Ambiguous if that may have happened, CreateRefused if not.

        The answer's id is another one at providers that make a new token of the same name.
        """
        ...


@runtime_checkable
class Updater(Issuer, Protocol):
    """An issuer that changes what a token is called, or what it may do, while its value stays."""

    def update(self, provider_id: str, wanted: TokenRequest) -> None:
        """Ask for another label or other permissions; Ambiguous if that may have happened, CreateRefused if not.

        Returning says that the provider agreed; its list says what the token is now.
        """
        ...


class ValueRevoker(Protocol):
    """Revokes tokens by API that it is shown, for providers that ask for no id."""

    def revoke_value(self, value: Value) -> None:
        """Ask to end the token with this value. Ambiguous, CreateRefused.

        Returning proves nothing: providers give the same answer for a value that they do not know.
        """
        ...


class Provider(Protocol):
    """One brand of provider at one address."""

    @property
    def name(self) -> str:
        """The segment by which records name it."""
        ...

    @property
    def base_url(self) -> str:
        """Its address; pinned in each record. Empty for a provider that is never asked anything."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """The provider's capabilities."""
        ...

    def guide(self) -> Guide:
        """The manual steps where there is no API."""
        ...

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        """Probe a token with read-only requests. Network and provider failures give an unknown verdict."""
        ...

    def warnings(self, value: Value) -> tuple[str, ...]:
        """How the value differs from the expected shape; never quotes it."""
        ...


class Vendor(Frozen, frozen=True):
    """A provider with the credentials configured for one record."""

    provider: Provider
    issuer: Issuer | None = None
    """None: guided, or nothing can be done by API."""
    by_value: ValueRevoker | None = None
    """None: the provider cannot, or the credential for it is missing."""
    admin: str = ""
    """The admin credential: the name of its record, or `env:VARIABLE`."""


class Vendors(Protocol):
    """Finds the vendor of a record."""

    def of(self, record: Record) -> Vendor:
        """InputError if the provider is unknown, or its address differs from the one pinned in the record."""
        ...


class KnownVendors(Vendors, Protocol):
    """The providers that a runner knows, without their admin credentials."""

    def provider(self, name: str) -> Provider:
        """The provider of that name; InputError if it is neither built in nor configured."""
        ...

    def provider_of(self, record: Record) -> Provider:
        """The provider of a record, for looking only; InputError if its address is not the one that was pinned."""
        ...
