"""Where a set-up goes: the server that the store's address means, with this runner's login, or a rendering of it."""

from typing import Any, NoReturn

from tokenguard.errors import InputError
from tokenguard.provisioning.adopted_policies import policy_on_vault
from tokenguard.provisioning.server_setup.declared import JobRole, ServerSetup
from tokenguard.provisioning.server_setup.setup_target import ServerSetups, SetupServer
from tokenguard.provisioning.server_setup.vault_setup import Resource, resources
from tokenguard.shell.backend_context import BackendContext
from tokenguard.shell.store_url import is_on_aws, is_on_vault
from tokenguard.stores.vault.layout import VaultAddress


def server_setup(context: BackendContext) -> ServerSetups:
    """What `setup` needs of the server of the store in use."""
    if is_on_aws(context.store_url):
        return AwsServerSetup(context)
    return VaultServerSetup(context) if is_on_vault(context.store_url) else NoServer()


class VaultServerSetup:
    """A Vault or OpenBao; implements `ServerSetups`."""

    def __init__(self, context: BackendContext) -> None:
        self._context = context

    def resources(self, setup: ServerSetup) -> tuple[Resource, ...]:
        """What the server needs."""
        return vault_resources(setup, self._context.store_url)

    def server(self) -> SetupServer:
        """The server; InputError if this machine knows the store at another one."""
        from tokenguard.clients.vault.connection import VaultConnection  # not for a rendering
        from tokenguard.clients.vault.server_config import VaultServer
        from tokenguard.shell.vault_store import check_server, known_servers, vault_settings

        context, url = self._context, self._context.store_url
        config = context.vault_of(url)
        where = vault_settings(config, context.settings, context.environ)
        check_server(known_servers(url, where), config, context.environ)
        return VaultServer(VaultConnection(where, context.clock), context.clock)

    def terraform(self, setup: ServerSetup, file: str) -> dict[str, Any]:  # noqa: ARG002 - the port's signature
        """The same parts."""
        from tokenguard.provisioning.server_setup.terraform import of_vault

        return of_vault(self.resources(setup))


class AwsServerSetup:
    """AWS, whose roles are only rendered; implements `ServerSetups`."""

    def __init__(self, context: BackendContext) -> None:
        self._context = context

    def resources(self, setup: ServerSetup) -> NoReturn:  # noqa: ARG002 - the port's signature
        """InputError."""
        raise InputError(
            "tokenguard does not change IAM",
            hint="`tokenguard setup --emit terraform` writes it for your IAM administrator",
        )

    def server(self) -> NoReturn:
        """InputError; `resources` says the same before."""
        raise InputError("tokenguard does not change IAM", hint="use --emit terraform")

    def terraform(self, setup: ServerSetup, file: str) -> dict[str, Any]:
        """The roles that jobs take."""
        from tokenguard.provisioning.server_setup.terraform import of_aws
        from tokenguard.shell.aws_store import roles_of

        if not setup.aws_account:
            raise InputError(f"{file} has no AWS account", hint='add `aws: {account: "123456789012"}`')
        return of_aws(setup, roles_of(setup, self._context.store_url))


class NoServer:
    """A local store; implements `ServerSetups` by InputErrors."""

    def resources(self, setup: ServerSetup) -> NoReturn:  # noqa: ARG002 - the port's signature
        """InputError."""
        self._refuse()

    def server(self) -> NoReturn:
        """InputError."""
        self._refuse()

    def terraform(self, setup: ServerSetup, file: str) -> NoReturn:  # noqa: ARG002 - the port's signature
        """InputError."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError("a local store has no server", hint="give --store vault://MOUNT/PREFIX or aws://REGION/PREFIX")


def vault_resources(setup: ServerSetup, url: str) -> tuple[Resource, ...]:
    """What the server of the store at `url` needs."""
    from tokenguard.shell.vault_store import policies

    place = VaultAddress.parse(url)
    texts = policies(url)
    texts[JobRole.ROTATOR] = policy_on_vault(texts[JobRole.ROTATOR], setup.fields)
    return tuple(resources(setup, mount=place.mount, prefix=place.prefix, policies=texts))
