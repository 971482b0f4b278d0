"""Where a set-up goes: the server that the store's address means, with this runner's login, or a rendering of it."""

from collections.abc import Mapping
from pathlib import Path

from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.server_config import VaultServer
from tokenguard.files import read_named
from tokenguard.ports.clock import Clock
from tokenguard.provisioning.adopted_policies import policy_on_vault
from tokenguard.provisioning.server_setup.declared import JobRole, ServerSetup
from tokenguard.provisioning.server_setup.server_file import MAX_BYTES, read_setup
from tokenguard.provisioning.server_setup.vault_setup import Resource, resources
from tokenguard.settings import Settings, VaultConfig
from tokenguard.shell.vault_store import check_server, known_servers, policies, vault_settings
from tokenguard.stores.vault.layout import VaultAddress

__all__ = ["VaultServer", "setup_in", "vault_resources", "vault_server"]


def setup_in(path: Path) -> ServerSetup:
    """The set-up in a file; InputError if it cannot be read or is not acceptable."""
    data = read_named(path, MAX_BYTES, hint="name the file, or begin with `tokenguard init --ci github`")
    return read_setup(data, source=path.name)


def vault_resources(setup: ServerSetup, url: str) -> tuple[Resource, ...]:
    """What the server of the store at `url` needs."""
    place = VaultAddress.parse(url)
    texts = policies(url)
    texts[JobRole.ROTATOR] = policy_on_vault(texts[JobRole.ROTATOR], setup.fields)
    return tuple(resources(setup, mount=place.mount, prefix=place.prefix, policies=texts))


def vault_server(
    url: str, config: VaultConfig | None, settings: Settings, environ: Mapping[str, str], clock: Clock
) -> VaultServer:
    """The server of the store at `url`; InputError if this machine knows the store at another one."""
    where = vault_settings(config, settings, environ)
    check_server(known_servers(url, where), config, environ)
    return VaultServer(VaultConnection(where, clock), clock)
