"""Finds the provider of a record, holds it to the address pinned there, and gives it its admin credential."""

import re
from collections.abc import Callable, Mapping

from tokenguard.domain.names import token_name
from tokenguard.domain.secret import Value
from tokenguard.domain.shape import check_value
from tokenguard.domain.token import Kind, Record, RecordState
from tokenguard.errors import InputError
from tokenguard.ports.provider import Provider, Vendor, Way
from tokenguard.ports.store import Store
from tokenguard.providers import registry
from tokenguard.providers.settings import ProviderSettings
from tokenguard.shell.config import Settings

_VARIABLE = re.compile(r"(?:env:)?([A-Z][A-Z0-9_]{0,127})", re.ASCII)


class ConfiguredVendors:
    """Implements the Vendors port from this runner's configuration.

    Args:
        settings: addresses and admin credentials by provider.
        environ: where `env:VARIABLE` looks.
        store: opens the store; only called when a credential is looked for in it.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str], store: Callable[[], Store]) -> None:
        self._settings = settings
        self._environ = environ
        self._store = store
        self._providers: dict[str, Provider] = {}

    def provider(self, name: str) -> Provider:
        """The provider of that name; InputError if it is neither built in nor configured."""
        if name not in self._providers:
            found = self._settings.provider(name)
            self._providers[name] = registry.build(
                name,
                ProviderSettings(
                    base_url=found.base_url,
                    death_floor=found.death_floor,
                    file=found.file,
                    revoke_route=found.revoke_route,
                    proxy=self._settings.proxy,
                    ca_bundle=self._settings.ca_bundle,
                ),
            )
        return self._providers[name]

    def provider_of(self, record: Record) -> Provider:
        """The provider of a record, for looking only; InputError if its address is not the one that was pinned."""
        provider = self.provider(record.provider)
        if record.base_url and provider.base_url != record.base_url:
            raise InputError(
                f"{record.name} is pinned to another address of {record.provider} than this machine is set to use",
                hint=f"if the provider has moved: tokenguard edit {record.name} --base-url {provider.base_url or '…'}",
            )
        return provider

    def of(self, record: Record) -> Vendor:
        """The vendor of a record; InputError if its address is not the one that was pinned."""
        provider = self.provider_of(record)
        if Way.API not in {provider.capabilities.mint, provider.capabilities.revoke}:
            return Vendor(provider)
        return Vendor(provider, registry.issuer(provider, self._admin(record)))

    def _admin(self, record: Record) -> Value | None:
        """What mints and revokes at the record's provider; never the token that is being rotated."""
        setting = self._settings.provider(record.provider).admin
        if not setting:
            variable = f"TOKENGUARD_ADMIN_{re.sub('[^A-Z0-9]', '_', record.provider.upper())}"
            return self._from_environment(variable) if self._environ.get(variable) else self._only_record(record)
        if (variable_of := _VARIABLE.fullmatch(setting)) is not None:
            return self._from_environment(variable_of[1])
        return self._from_record(record, setting)

    def _from_environment(self, variable: str) -> Value:
        text = self._environ.get(variable, "")
        if not text:
            raise InputError(f"the admin credential {variable} is not set", hint=f"export {variable} for this run")
        return Value.of(check_value(text))

    def _from_record(self, record: Record, name: str) -> Value:
        snapshot = self._store().find(token_name(name))
        if snapshot is None or snapshot.document.record.kind is not Kind.PROVIDER_ADMIN:
            raise InputError(
                f"the admin credential configured for {record.provider} is not a provider_admin of this store",
                hint=f"tokenguard add {name} --provider {record.provider} --kind provider_admin …",
            )
        if name == record.name:
            raise InputError(
                f"{name} cannot mint its own successor",
                hint=f"rotate it with another credential: TOKENGUARD_ADMIN_{record.provider.upper()} for one run",
            )
        live = self._store().read_live(snapshot.id)
        if live is None:
            raise InputError(f"the store holds no live value of {name}", hint=f"see `tokenguard show {name}`")
        return live.value

    def _only_record(self, record: Record) -> Value | None:
        """The one active admin credential of the provider, of the same scope if there are several."""
        found = [
            snapshot
            for snapshot in self._store().scan()
            if (other := snapshot.document.record).kind is Kind.PROVIDER_ADMIN
            and other.provider == record.provider
            and other.state is RecordState.ACTIVE
            and other.name != record.name
        ]
        same = [snapshot for snapshot in found if snapshot.document.record.scope == record.scope]
        chosen = same or found
        if len(chosen) != 1:
            return None
        live = self._store().read_live(chosen[0].id)
        return live.value if live is not None else None
