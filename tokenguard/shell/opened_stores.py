"""The stores that one process opens, each with its own key or login, and what each left out when it was read."""

from typing import TYPE_CHECKING, Protocol

from tokenguard.errors import InputError, Unreachable
from tokenguard.posix import require_posix
from tokenguard.shell.store_url import is_on_aws, is_on_vault, local_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tokenguard.domain.secret import Secret
    from tokenguard.ports.clock import Clock
    from tokenguard.ports.store import Store, Stray
    from tokenguard.settings import Settings, VaultConfig
    from tokenguard.shell.known_servers import KnownServers
    from tokenguard.shell.progress import StderrProgress

_LISTED = 3
"""Strays that are reported one by one."""


class StoreRunner(Protocol):
    """What opening a store needs of the process that it runs in; `Wiring` has it."""

    environ: "Mapping[str, str]"

    @property
    def settings(self) -> "Settings":
        """This runner's configuration."""
        ...

    @property
    def clock(self) -> "Clock":
        """The time."""
        ...

    @property
    def progress(self) -> "StderrProgress":
        """Where warnings go."""
        ...

    @property
    def keyless(self) -> bool:
        """Whether a credential that lives for ever is refused."""
        ...

    @property
    def ask_hidden(self) -> "Callable[[str], Secret] | None":
        """A hidden prompt, or None without a terminal."""
        ...

    def vault_of(self, url: str) -> "VaultConfig | None":
        """The configuration of the Vault that an address means."""
        ...


class OpenedStores:
    """Opens stores by their addresses, with whichever key or login the runner has."""

    def __init__(self, runner: StoreRunner) -> None:
        self._runner = runner
        self._opened: list[Store] = []

    def open(self, url: str) -> "Store":
        """Open the store at `url`.

        Raises:
            InputError, Unreachable, Tampered: it cannot be opened.
            Moved: what it held is in another store, which is named and not followed.
        """
        from tokenguard.domain.migration_status import refusal  # loaded by any store, and by nothing else

        store = self.open_end_of_move(url)
        if (refused := refusal(store.move(), store.url)) is not None:
            close_store(store)
            raise refused
        return store

    def open_end_of_move(self, url: str) -> "Store":
        """Open the store at `url` also where it is moving or has moved; for `migrate` alone."""
        store = self._open(url)
        self._opened.append(store)
        return store

    def _open(self, url: str) -> "Store":
        require_posix("a store")
        runner = self._runner
        told = runner.progress.note
        if is_on_vault(url):
            from tokenguard.shell.vault_store import open_vault

            self._check_certificates()
            return open_vault(
                url,
                runner.vault_of(url),
                runner.settings,
                runner.environ,
                runner.clock,
                keyless=runner.keyless,
                told=told,
            )
        if is_on_aws(url):
            from tokenguard.shell.aws_store import open_aws

            return open_aws(url, runner.settings, runner.clock, runner.environ, keyless=runner.keyless, told=told)
        from tokenguard.shell.local_store import open_local

        return open_local(local_directory(url), runner.environ, runner.clock, runner.ask_hidden, moving=True)

    def _check_certificates(self) -> None:
        """Warn that a request to skip certificate checks is ignored."""
        from tokenguard.shell.vault_environment import skipped_verification  # for a Vault only

        if named := skipped_verification(self._runner.environ):
            self._runner.progress.note(
                f"{named} is ignored: certificates are always checked; name an authority in VAULT_CACERT"
            )

    def known_servers(self, url: str) -> "KnownServers":
        """Where this machine has reached the store at `url` so far; InputError if it is a local one."""
        runner = self._runner
        if is_on_vault(url):
            from tokenguard.shell import vault_store

            return vault_store.known_servers(
                url, vault_store.vault_settings(runner.vault_of(url), runner.settings, runner.environ)
            )
        if is_on_aws(url):
            from tokenguard.shell import aws_store

            return aws_store.known_servers(url, runner.settings)
        raise InputError("a local store has no server", hint="this machine recognises it by its key and its anchor")

    def passed_over(self) -> "list[Stray]":
        """What reading the stores has left out, because others put it there."""
        return [each for store in self._opened for each in store.passed_over()]

    def report_passed_over(self) -> None:
        """Report on standard error what was left out."""
        found = self.passed_over()
        for stray in found[:_LISTED]:
            self._runner.progress.note(f"skipped {stray.where}: {stray.what}; {stray.hint}")
        if len(found) > _LISTED:
            self._runner.progress.note(f"skipped {len(found) - _LISTED:,} more: `tokenguard doctor` lists them")

    def check_listed_whole(self) -> None:
        """For commands that speak of all tokens: refuse to end with exit 0 if a list has left one out.

        Raises:
            Unreachable: a token of the stores could not be listed; what was done with the others is done.
        """
        found = [each for each in self.passed_over() if each.omits]
        if found:
            more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
            raise Unreachable(
                f"a token is missing from the list: {found[0].where}: {found[0].what}{more}",
                hint=f"{found[0].hint}; `tokenguard doctor` names all",
            )


def close_store(store: "Store") -> None:
    """Let go of a store, if it holds on to something."""
    close = getattr(store, "close", None)
    if close is not None:
        close()
