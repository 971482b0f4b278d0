"""The server that a declaration is compared with and written to."""

from typing import Any, Protocol

from tokenguard.provisioning.server_setup.declared import ServerSetup
from tokenguard.provisioning.server_setup.setup_diff import Found
from tokenguard.provisioning.server_setup.vault_setup import Resource


class SetupServer(Protocol):
    """A server that keeps a store."""

    def read(self, resource: Resource) -> Found:
        """What it has of a part, or None; Unreachable if it denies that."""
        ...

    def write(self, resource: Resource) -> None:
        """Make a part as it should be; InputError or Unreachable if the server refuses it."""
        ...


class ServerSetups(Protocol):
    """What `setup` needs to know of the store's server. InputError where tokenguard does not configure it."""

    def resources(self, setup: ServerSetup) -> tuple[Resource, ...]:
        """The parts that a declaration asks of the server."""
        ...

    def server(self) -> SetupServer:
        """The server, with this runner's login."""
        ...

    def terraform(self, setup: ServerSetup, file: str) -> dict[str, Any]:
        """The declaration of a file as Terraform JSON."""
        ...
