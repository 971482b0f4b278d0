"""What a configuration says of this runner."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tokenguard.frozen import Frozen, field


class ProviderConfig(Frozen, frozen=True, kw_only=True):
    """`[providers.NAME]`."""

    base_url: str = ""
    admin: str = ""
    """`env:VARIABLE`, or the name of a record of kind provider_admin."""
    death_floor: timedelta | None = None
    file: Path | None = None
    """The description of a generic provider."""
    revoke_route: str = ""


class CommandConfig(Frozen, frozen=True, kw_only=True):
    """`[commands.NAME]`: what `command:NAME` means on this machine."""

    argv: tuple[str, ...]
    verify_argv: tuple[str, ...] | None = None
    timeout: float = 60.0
    """Seconds."""


class Settings(Frozen, frozen=True, kw_only=True):
    """What the configuration file says; the defaults where there is none."""

    source: Path | None = None
    store_url: str = ""
    stores: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    commands: Mapping[str, CommandConfig] = field(default_factory=dict)
    proxy: str = ""
    ca_bundle: Path | None = None
    policy_file: Path | None = None

    def provider(self, name: str) -> ProviderConfig:
        """What is set for a provider, or the defaults."""
        return self.providers.get(name, ProviderConfig())
