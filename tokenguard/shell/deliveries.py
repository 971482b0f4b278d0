"""Deliveries by this runner's own configuration: which commands, which hosts, which credentials."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from tokenguard.delivery.command import CommandSettings
from tokenguard.delivery.delivery_registry import DeliveryRegistry
from tokenguard.domain.secret import Secret
from tokenguard.ports.clock import Clock
from tokenguard.settings import DestinationConfig, Settings
from tokenguard.shell.credentials import SERVICE_ACCOUNT, read_credential
from tokenguard.shell.field_servers import ConfiguredPlaces

if TYPE_CHECKING:
    from tokenguard.delivery.hosts import Hosts


def configured_deliveries(
    settings: Settings, environ: Mapping[str, str], clock: Clock, places: Callable[[], ConfiguredPlaces]
) -> DeliveryRegistry:
    """The deliveries that this machine can make; credentials and connections are looked for when one is used."""
    return DeliveryRegistry(
        {
            name: CommandSettings(argv=each.argv, verify_argv=each.verify_argv, timeout=each.timeout)
            for name, each in settings.commands.items()
        },
        hosts=partial(_hosts, settings, environ, clock),
        place=lambda consumer: places().of(consumer),
        environ=environ,
    )


def credential_at(host: str, destination: DestinationConfig, environ: Mapping[str, str]) -> Secret:
    """Our credential at a host: a file must be ours alone, but for the one that a cluster gives a pod; InputError."""
    private = destination.credential != SERVICE_ACCOUNT
    return read_credential(destination.credential, environ, table=f'[destinations."{host}"]', private=private)


def _hosts(settings: Settings, environ: Mapping[str, str], clock: Clock) -> "Hosts":
    from tokenguard.delivery.hosts import Hosts, HostSettings  # loads the HTTP client
    from tokenguard.http.address import Address, proxy_at  # the same

    return Hosts(
        {
            host: HostSettings(
                credential=partial(credential_at, host, each, environ),
                base=Address.parse(each.url, what=f"url of [destinations.{host}]") if each.url else None,
                ca_bundle=each.ca_bundle,
            )
            for host, each in settings.destinations.items()
        },
        clock,
        proxy=proxy_at(settings.proxy),
        ca_bundle=settings.ca_bundle,
    )
