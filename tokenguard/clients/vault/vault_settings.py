"""Address and login settings of a Vault, from the configuration only."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from tokenguard.domain.secret import Secret
from tokenguard.http.address import Address


@unique
class LoginMethod(StrEnum):
    """How a login is made."""

    TOKEN = "token"  # noqa: S105 - a word, not a value
    APPROLE = "approle"
    JWT = "jwt"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login method with its settings. Secrets are read with the settings or for each login, and kept nowhere else."""

    method: LoginMethod
    credential: Secret | Callable[[], Secret]
    """The token, the secret_id, or the JWT; or what gets one for each login, where one outlives few logins."""
    mount: str = ""
    """Where the auth method is mounted; empty: its usual place."""
    role: str = ""
    """The role, or AppRole's role_id."""
    wrapped: bool = False
    """The credential is a wrapping token of one use, which holds the secret_id."""

    def given(self) -> Secret:
        """Return the current login credential; raises the errors of its source."""
        return self.credential if isinstance(self.credential, Secret) else self.credential()

    @property
    def path(self) -> str:
        """Where the auth method is mounted."""
        return self.mount or self.method.value


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSettings:
    """The settings of one Vault with one login."""

    address: Address
    others: tuple[Address, ...] = ()
    """Further nodes of the same cluster; requests go to the leader."""
    login: Login
    namespace: str = ""
    ca_bundle: Path | None = None
    proxy: Address | None = None
    deadline: float = 15.0
    """Seconds for one request, from the name lookup to the last byte."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All nodes."""
        return (self.address, *self.others)
