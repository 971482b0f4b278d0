"""Finds the backend of a store by its address; only the module of that kind of store is loaded."""

from tokenguard.ports.store_backend import StoreBackend
from tokenguard.shell.backend_context import BackendContext
from tokenguard.shell.store_url import is_on_aws, is_on_vault


def backend_of(context: BackendContext, url: str) -> StoreBackend:
    """The backend of the store at `url`."""
    if is_on_vault(url):
        from tokenguard.shell.vault_backend import VaultBackend

        return VaultBackend(context)
    if is_on_aws(url):
        from tokenguard.shell.aws_backend import AwsBackend

        return AwsBackend(context)
    from tokenguard.shell.local_backend import LocalBackend

    return LocalBackend(context)
