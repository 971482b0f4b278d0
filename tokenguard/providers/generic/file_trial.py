"""A provider file that is played against a service on loopback, and what its checks are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tokenguard.domain.liveness import Verdict
from tokenguard.domain.names import Label, new_label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import TokenguardError, Unreachable
from tokenguard.frozen import Frozen
from tokenguard.ports.provider import Issuer, Replacer, TokenRequest, Updater, ValueRevoker
from tokenguard.providers.generic.generic_provider import Generic
from tokenguard.providers.generic.loopback_service import LoopbackService


class CheckFailed(Exception):
    """A file does not do what a check asks for."""


class TrialClock:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self._elapsed = 0.0

    def now(self) -> datetime:
        """A date of its own, plus what was waited."""
        return datetime(2026, 11, 1, 9, 0, tzinfo=UTC) + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """What was waited."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Go on at once."""
        self._elapsed += max(seconds, 0)


@dataclass(frozen=True)
class FileTrial:
    """A file, and the service that it is played against."""

    service: LoopbackService
    provider: Generic
    permissions: tuple[str, ...] = ()

    @property
    def label(self) -> Label:
        """A name that the service takes."""
        can = self.provider.capabilities
        return new_label(token_name("prod/post"), 1, can.label_limit, can.label_punctuation)

    def issuer(self, admin: Value | None = None, scope: str = "") -> Issuer:
        """Bound to the service's admin credential and scope, or to others."""
        found = self.provider.issuer(admin or self.service.admin, self.scope(scope or self.service.scope))
        if found is None:
            raise CheckFailed("the file says how a token is created, but not how it is revoked")
        return found

    def revoker(self, admin: Value | None = None) -> ValueRevoker:
        """What revokes by value, with the service's admin credential or another one."""
        found = self.provider.value_revoker(admin or self.service.admin)
        if found is None:
            raise CheckFailed("the file does not say how a token is revoked by its value")
        return found

    def replacer(self, admin: Value | None = None) -> Replacer:
        """What gives new values in place, with the service's admin credential or another one."""
        found = self.issuer(admin)
        if not isinstance(found, Replacer):
            raise CheckFailed("the file does not say how a token gets a new value")
        return found

    def updater(self, admin: Value | None = None) -> Updater:
        """What changes names and permissions, with the service's admin credential or another one."""
        found = self.issuer(admin)
        if not isinstance(found, Updater):
            raise CheckFailed("the file does not say how a token is changed")
        return found

    def stranger(self) -> Value:
        """An admin credential that the service does not know."""
        return Value({name: Secret("practice-stranger-0123456789") for name in self.service.admin.names})

    def scope(self, identifier: str) -> Scope:
        """A scope of the kind that the file names."""
        return Scope(self.provider.capabilities.scope_kind or "account", identifier)

    def wanted(self, label: Label | None = None) -> TokenRequest:
        """What a rotation asks for."""
        permissions = self.permissions or tuple(self.service.described.permissions)[:1] or ("read",)
        scope = self.scope(self.service.scope)
        return TokenRequest(label=label or self.label, scope=scope, permissions=permissions)

    def token(self) -> tuple[str, Value]:
        """Id and value of a new token, created by API or by a person."""
        if self.service.described.create is None:
            issued = self.service.issue(self.label)
            return issued.id, issued.value
        made = self.issuer().create(self.wanted())
        return made.provider_id, made.value

    def verdict(self, value: Value) -> Verdict:
        """What one probe says."""
        return self.provider.probe(value, None).verdict


class FileCheck(Frozen, frozen=True):
    """One check."""

    name: str
    needs: tuple[str, ...]
    """The sections of which a file has at least one, so that there is something to check."""
    play: Callable[[FileTrial], None]


def expect(kept: object, otherwise: str) -> None:
    """Fail the check unless something holds."""
    if not kept:
        raise CheckFailed(otherwise)


def refused(act: Callable[[], object], otherwise: str, error: type[TokenguardError] = Unreachable) -> None:
    """Fail the check unless an act ends with an error."""
    try:
        act()
    except error:
        return
    raise CheckFailed(otherwise)
