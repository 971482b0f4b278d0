"""An assembled manifest: the tokens declared for one environment, with includes, defaults and overlay applied."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from tokenguard.domain.names import TokenName
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, CredentialKind
from tokenguard.frozen import Frozen

VALUE_WITHIN = timedelta(days=14)
"""How long a token may wait for the value that a person brings, unless the manifest says otherwise."""


@unique
class Issue(StrEnum):
    """Where a first value comes from."""

    API = "true"
    """The provider creates it, through its API."""
    GUIDED = "guided"
    """A person creates it at the provider, guided by `tokenguard add NAME --issue`."""
    PROVIDED = "false"
    """It exists, and a person adds it: `tokenguard add NAME`."""


@unique
class DesiredState(StrEnum):
    """What is to be of a token."""

    ACTIVE = "active"
    RETIRED = "retired"


class Declared(Frozen, frozen=True, kw_only=True):
    """One token as the manifest declares it. None: the manifest does not say, so what the store knows stays."""

    name: TokenName
    state: DesiredState = DesiredState.ACTIVE
    provider: str = ""
    scope: Scope | None = None
    environment: str = ""
    owner: str = ""
    purpose: str = ""
    kind: CredentialKind | None = None
    scope_name: str | None = None
    permissions: tuple[str, ...] | None = None
    made_by: str | None = None
    account: str | None = None
    deputy: str | None = None
    due: datetime | None = None
    consumers: tuple[Consumer, ...] | None = None
    location: str | None = None
    """The field of others that its value is, and stays, in."""
    issue: Issue = Issue.PROVIDED
    value_within: timedelta = VALUE_WITHIN
    notes: str | None = None


class Manifest(Frozen, frozen=True, kw_only=True):
    """Everything that is declared for one environment, or for all of them."""

    tokens: tuple[Declared, ...]
    """Ordered by name."""
    environment: str = ""
    """Empty: tokens of every environment are meant."""
    files: tuple[str, ...] = ()
    """What was read, the manifest itself first; relative to its directory."""
    locate: Callable[[TokenName], str] = str
    """Where a token is declared, as `file:line:column`; reads the file's text again."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over what is declared; how it is written and in which files makes no difference."""
        body = msgspec.json.encode((1, self.environment, self.tokens), order="deterministic")
        return hashlib.sha256(body).hexdigest()
