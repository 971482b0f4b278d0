"""What the configuration may say of a provider, and what follows from its address."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tokenguard.http.address import Address

_LOOPBACK_FLOOR = timedelta(seconds=0.3)
_LOOPBACK_CONFIRM = timedelta(seconds=3)
_FLOOR = timedelta(seconds=60)
_CONFIRM = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """`[providers.X]` and `[network]` of the configuration; empty means the provider's own default."""

    base_url: str = ""
    death_floor: timedelta | None = None
    file: Path | None = None
    """Describes a provider that is not built in."""
    revoke_route: str = ""
    """Autoposting only: `METHOD /path/{id}`, where its revoke route differs from the default."""
    paging: str = ""
    """Autoposting only: `none`, where its list turns out to be given out whole."""
    proxy: str = ""
    """`http://host:port` or `https://host:port`."""
    ca_bundle: Path | None = None
    told: Callable[[str], None] = lambda _text: None
    """Told of each wait for the provider's limits."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a token must be seen dead, and when that is looked at again."""

    floor: timedelta
    confirm_after: timedelta


def patience(address: Address, death_floor: timedelta | None) -> Patience:
    """The defaults for an address: short on loopback, where there is nothing that replicates."""
    if address.loopback:
        return Patience(death_floor or _LOOPBACK_FLOOR, _LOOPBACK_CONFIRM)
    return Patience(death_floor or _FLOOR, _CONFIRM)
