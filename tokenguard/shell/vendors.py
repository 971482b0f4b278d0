"""Finds the provider of a record, checks its pinned address, and binds its admin credential."""

import re
from collections.abc import Callable, Iterator, Mapping

from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenId, TokenName, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import CredentialKind, Record, RecordState
from tokenguard.errors import InputError
from tokenguard.http.address import Address
from tokenguard.ports.clock import Clock
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.provider import Issuer, Provider, Vendor
from tokenguard.ports.store import Store
from tokenguard.providers import provider_registry
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.settings import Settings, admin_variable
from tokenguard.shell.value_input import value_of

_VARIABLE = re.compile(r"(?:env:)?([A-Z][A-Z0-9_]{0,127})", re.ASCII)


RUNNER = "aws:default-chain"
"""`[providers.aws-iam] admin`: the identity that AWS's SDK finds, no credential of ours."""


class ConfiguredVendors:
    """Implements the Vendors port from this runner's configuration.

    Args:
        settings: addresses and admin credentials by provider.
        environ: where `env:VARIABLE` looks.
        clock: dates what providers are seen to say.
        store: opens the store; only called when a credential is looked for in it.
        loopback: whether the store lets providers on this machine in; only called for such a provider.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        store: Callable[[], Store],
        *,
        loopback: Callable[[], bool] = lambda: True,
        told: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._told = told
        self._loopback = loopback
        self._settings = settings
        self._clock = clock
        self._environ = environ
        self._store = store
        self._providers: dict[str, Provider] = {}
        self._logins: list[provider_registry.LoggedIn] = []
        self._admins: dict[tuple[str, Scope | None], TokenId] = {}
        """The admin record of each scope that has one; looked at again before every use."""

    def provider(self, name: str) -> Provider:
        """The provider of that name; InputError if it is neither built in nor configured."""
        if name not in self._providers:
            built = configured_provider(name, self._settings, self._clock, self._told)
            self._check_loopback(built)
            self._providers[name] = built
        return self._providers[name]

    def _check_loopback(self, provider: Provider) -> None:
        if provider.base_url and Address.parse(provider.base_url).loopback and not self._loopback():
            raise InputError(
                f"{provider.name} is configured at an address on this machine, and the store is shared",
                hint="use a store created with `tokenguard init --sandbox`",
            )

    def provider_of(self, record: Record) -> Provider:
        """The provider of a record, for looking only; InputError if its address is not the one that was pinned."""
        provider = self.provider(record.provider)
        if record.base_url and provider.base_url != record.base_url:
            raise InputError(
                f"{record.name} is pinned to an address of {record.provider} that differs from the configured one",
                hint=f"if it has moved: tokenguard edit {record.name} --base-url {provider.base_url or 'URL'}",
            )
        return provider

    def of(self, record: Record) -> Vendor:
        """The vendor of a record; InputError if its address is not the one that was pinned."""
        provider = self.provider_of(record)
        if not provider.capabilities.asks_by_api:
            return Vendor(provider, by_value=provider_registry.value_revoker(provider, None))
        if self._settings.provider(record.provider).admin == RUNNER:
            return Vendor(provider, _as_runner(provider, record.scope), admin=RUNNER)
        admin, credential = self._admin(record)
        found = provider_registry.issuer(provider, credential, record.scope)
        if isinstance(found, provider_registry.LoggedIn):
            self._logins.append(found)
        by_value = provider_registry.value_revoker(provider, credential)
        return Vendor(provider, found, by_value, admin if found is not None or by_value is not None else "")

    def close(self) -> Iterator[str]:
        """End the sessions that this run has used as admin credentials; yields why one goes on living."""
        logins, self._logins = self._logins, []
        ended = (told for each in logins if (told := each.end_session()) is not None)
        if told := next(ended, ""):  # all of one run have the same one
            yield told

    def _admin(self, record: Record) -> tuple[str, Value | None]:
        """The admin credential for the record's provider, and what names it; None without one.

        It is never the token itself: a credential that revoked itself could not make its successor.
        """
        setting = self._settings.provider(record.provider).admin
        if not setting:
            variable = admin_variable(record.provider)
            if (given := self._from_environment(variable, record)) is not None:
                return f"env:{variable}", given
            return self._only_record(record)
        if (named := _VARIABLE.fullmatch(setting)) is not None:
            return setting, self._from_environment(named[1], record)
        return setting, self._from_record(record, token_name(setting))

    def _from_environment(self, variable: str, record: Record) -> Value | None:
        text = self._environ.get(variable, "")
        return value_of(text, self.provider(record.provider).capabilities.admin_fields) if text else None

    def _from_record(self, record: Record, name: TokenName) -> Value | None:
        snapshot = self._store().find(name)
        if snapshot is None or name == record.name:
            return None
        if snapshot.document.record.kind is not CredentialKind.PROVIDER_ADMIN:
            raise InputError(
                f"{name}, the configured admin credential of {record.provider}, is not of kind provider_admin",
                hint=f"tokenguard edit {name} --kind provider_admin, or set [providers.{record.provider}] admin",
            )
        live = value_to_give(self._store(), snapshot)
        return live.value if live is not None else None

    def _only_record(self, record: Record) -> tuple[str, Value | None]:
        """The one active admin credential of the provider, of the same scope if there are several, with its name."""
        key = (record.provider, record.scope)
        admin = self._still(self._admins.get(key), record)
        if admin is None:
            found = self._find_admins(record)
            same = [snapshot for snapshot in found if snapshot.document.record.scope == record.scope]
            chosen = same or found
            if len(chosen) != 1:
                return "", None
            admin = chosen[0]
            if same:
                self._admins[key] = admin.id
        live = value_to_give(self._store(), admin)
        return admin.document.record.name, live.value if live is not None else None

    def _find_admins(self, record: Record) -> list[Snapshot]:
        """By a scan: once a process for a record whose scope has an admin of its own, else for every question."""
        return [snapshot for snapshot in self._store().scan() if _may_serve(snapshot.document.record, record)]

    def _still(self, admin: TokenId | None, record: Record) -> Snapshot | None:
        """The admin that was found before, if it still is one for exactly that scope; one lookup."""
        if admin is None:
            return None
        found = self._store().load(admin)
        known = found.document.record
        return found if _may_serve(known, record) and known.scope == record.scope else None


def configured_provider(
    name: str, settings: Settings, clock: Clock, told: Callable[[str], None] = lambda _text: None
) -> Provider:
    """The provider of that name at its configured address; InputError if it is neither built in nor described."""
    found = settings.provider(name)
    return provider_registry.build(
        name,
        ProviderSettings(
            base_url=found.base_url,
            death_floor=found.death_floor,
            file=found.file,
            revoke_route=found.revoke_route,
            paging=found.paging,
            proxy=settings.proxy,
            ca_bundle=settings.ca_bundle,
            told=told,
        ),
        clock,
    )


def _as_runner(provider: Provider, scope: Scope | None) -> Issuer:
    if not isinstance(provider, provider_registry.RunnerIssuing):
        raise InputError(
            f"{provider.name} cannot use the admin credential {RUNNER}",
            hint=f"[providers.{provider.name}] admin: `env:VARIABLE`, or a record of kind provider_admin",
        )
    return provider.runner_issuer(scope)


def _may_serve(admin: Record, record: Record) -> bool:
    return (admin.kind, admin.provider, admin.state) == (
        CredentialKind.PROVIDER_ADMIN,
        record.provider,
        RecordState.ACTIVE,
    ) and admin.name != record.name
