"""What differs between kinds of stores besides the port: creating one, its price, its roles, its own health checks."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tokenguard.domain.diagnosis import Diagnosis
from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock
from tokenguard.ports.store import Store
from tokenguard.settings import Settings, VaultConfig
from tokenguard.shell.tty import Tty

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


class BackendContext(Protocol):
    """What a backend needs of the process that it runs in; `Wiring` has it."""

    environ: Mapping[str, str]
    unfinished: str

    @property
    def store_url(self) -> str:
        """The address of the store that is meant."""
        ...

    @property
    def store(self) -> Store:
        """The store, open."""
        ...

    @property
    def settings(self) -> Settings:
        """This runner's configuration."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def tty(self) -> Tty | None:
        """The terminal, where a person may be asked."""
        ...

    @property
    def local_directory(self) -> Path:
        """The directory of a local store."""
        ...

    @property
    def ask_hidden(self) -> Callable[[str], Secret] | None:
        """A hidden prompt, or None without a terminal."""
        ...

    def vault_of(self, url: str) -> VaultConfig | None:
        """The configuration of the Vault that an address means."""
        ...


class StoreBackend(Protocol):
    """One kind of store, as commands need it before and beside an open store."""

    most_jobs: int
    """How many operations one runner advances at once."""

    def create(self, recovery_file: str | None, *, sandbox: bool) -> CreatedStore:
        """Create the store at the runner's address.

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
