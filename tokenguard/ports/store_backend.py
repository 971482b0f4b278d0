"""What differs between kinds of stores besides the port: creating one, its price, its roles, its own health checks."""

from collections.abc import Iterator
from typing import Protocol

from tokenguard.domain.diagnosis import Diagnosis
from tokenguard.frozen import Frozen

JOBS_ON_VAULT = 4
"""Operations that one runner advances at once on a Vault."""


class CreatedStore(Frozen, frozen=True, kw_only=True):
    """A store that was just created."""

    url: str
    store_id: str
    recovery: str
    """`file`, `shown` or `none`: where the recovery code went; empty where there is nothing to recover."""
    cost: str = ""
    """Its monthly price, where it is known."""


class LoginAbilities(Frozen, frozen=True, kw_only=True):
    """What the login in use may do; everything, where a store does not tell roles apart."""

    rotates: bool = True
    trails: bool = True
    records: bool = True


class StoreBackend(Protocol):
    """One kind of store, as commands need it before and beside an open store."""

    most_jobs: int
    """How many operations one runner advances at once."""
    shared: bool
    """Whether other machines use it too; if not, it is this machine's own, which detects a rollback of it."""
    roles_need_account: bool
    """Whether the names of its jobs' roles contain the number of a cloud account."""

    def create(self, recovery_file: str | None, *, sandbox: bool, anew: bool) -> CreatedStore:
        """Create the store at the runner's address.

        Args:
            recovery_file: where the recovery code is written.
            sandbox: whether practice providers are allowed.
            anew: whether to create one also where this machine used one that is not there any more.

        Raises:
            InputError: there is one already, or the kind of store has no recovery code to write.
            NeedsPerson: there is no key at hand, and no terminal to ask for a passphrase.
            Unreachable: the store's server cannot be reached, or denies what a store needs.
        """
        ...

    def monthly_cost(self, tokens: int) -> str:
        """The monthly price of a store with so many tokens; empty where it has none."""
        ...

    def role_policies(self) -> dict[str, str]:
        """The policy of each role at this address; InputError where there are no roles."""
        ...

    def job_roles(self, system: str, account: str) -> tuple[str, str]:
        """The names of the planner's and the rotator's role of a CI system; InputError for a local store."""
        ...

    def server_address(self) -> str | None:
        """The server as this runner's configuration names it, empty if it does not; None where none has to be named."""
        ...

    def abilities(self) -> LoginAbilities:
        """What the login in use may do."""
        ...

    def health(self) -> Iterator[Diagnosis]:
        """What only this kind of store can tell of its health: keys, anchor, login, credentials."""
        ...
