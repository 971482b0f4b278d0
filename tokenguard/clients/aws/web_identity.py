"""Sessions of a role on AWS that are made with a job's own identity, and made again before they end."""

from collections.abc import Callable

from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.session import Session, get_session


def assuming(take: Callable[[], dict[str, str]]) -> Session:
    """A session of botocore's whose only credentials are those that `take` gets.

    botocore's own way of doing this sends the identity wherever AWS_ENDPOINT_URL_STS says; ours goes where `take` does.

    Args:
        take: gets `access_key`, `secret_key`, `token` and `expiry_time` (ISO 8601); asked again before they expire.
    """
    return _with(_CredentialProvider(take))


def anonymous() -> Session:
    """A session of botocore's that looks for no credentials, for requests that are not signed."""
    return _with()


def _with(*providers: CredentialProvider) -> Session:
    session = get_session()
    session.register_component("credential_provider", CredentialResolver(list(providers)))
    return session


class _CredentialProvider(CredentialProvider):  # type: ignore[misc]  # botocore carries no types
    METHOD = CANONICAL_NAME = "tokenguard-web-identity"

    def __init__(self, take: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._take = take

    def load(self) -> DeferredRefreshableCredentials:
        """Credentials that ask for a session when the first request needs one."""
        return DeferredRefreshableCredentials(self._take, self.METHOD)
