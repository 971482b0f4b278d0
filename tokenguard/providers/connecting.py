"""From settings to the HTTP client of one provider."""

from tokenguard.http.address import Address, proxy_at
from tokenguard.http.client import Client, Network
from tokenguard.ports.clock import Clock
from tokenguard.providers.paced import PacedClient, Rate
from tokenguard.providers.provider_settings import ProviderSettings


def connect(settings: ProviderSettings, default_url: str, clock: Clock, rate: Rate | None = None) -> PacedClient:
    """A client for the configured address, or the default one; InputError for an unusable address or proxy."""
    network = Network(proxy=proxy_at(settings.proxy), ca_bundle=settings.ca_bundle)
    client = Client(Address.parse(settings.base_url or default_url), clock, network)
    return PacedClient(client, clock, settings.told, rate)
