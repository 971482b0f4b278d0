"""What the backend of a store needs of the process that it runs in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from tokenguard.domain.secret import Secret
from tokenguard.ports.clock import Clock
from tokenguard.ports.store import Store
from tokenguard.settings import Settings, VaultConfig
from tokenguard.shell.tty import Tty


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
