"""The composition root: the only module that binds adapters to ports. Everything is lazy."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tokenguard.domain.names import TokenName
from tokenguard.shell.ci_job import in_ci
from tokenguard.shell.clock import SystemClock

if TYPE_CHECKING:  # each of these loads what only some commands need
    from pathlib import Path

    from tokenguard.delivery.delivery_registry import DeliveryRegistry
    from tokenguard.domain.people import Directory
    from tokenguard.domain.secret import Secret, Value
    from tokenguard.notifications.routes import NotificationRoute
    from tokenguard.policy.model import Policy
    from tokenguard.ports.clock import Clock
    from tokenguard.ports.operator import Operator, Progress
    from tokenguard.ports.store import Store, Stray
    from tokenguard.ports.store_backend import StoreBackend
    from tokenguard.ports.value_source import ValueOptions
    from tokenguard.provisioning.server_setup.setup_target import ServerSetups
    from tokenguard.rotation.engine import Engine
    from tokenguard.scanning.bundle import ScanKey
    from tokenguard.scanning.team_rules import TeamRules
    from tokenguard.settings import Settings, VaultConfig
    from tokenguard.shell.field_servers import ConfiguredPlaces
    from tokenguard.shell.known_servers import KnownServers
    from tokenguard.shell.opened_stores import OpenedStores
    from tokenguard.shell.progress import StderrProgress
    from tokenguard.shell.render import Screen
    from tokenguard.shell.tty import Tty
    from tokenguard.shell.vendors import ConfiguredVendors
    from tokenguard.usecases.approvals import StoreApprovals
    from tokenguard.usecases.second_person import SecondPerson


@dataclass(slots=True)
class Flags:
    """The global options, as far as they were given; before the command's name or after it."""

    store: str = ""
    server: str = ""
    config: str = ""
    format: str = "text"
    no_input: bool = False
    verbose: bool = False


class Wiring:
    """One process's world. A test puts its own fakes in place of any property before it is first used."""

    def __init__(self, *, environ: Mapping[str, str] = os.environ) -> None:
        self.environ = environ
        self.flags = Flags()
        self.concurrent = False
        """Whether several runners may work on one store on AWS at once."""
        self.requesting = False
        """Whether the command is only to be requested from a second person: nothing may be done."""
        self.break_glass = ""
        """The reason of --break-glass: sensitive operations go first and are reviewed later."""
        self.unfinished = ""
        """How to continue after an interruption of work that is not an operation on one token."""
        self.resumed_by = "rotate"
        """The command that continues what this one began, after an interruption."""
        self._working_on: TokenName | None = None
        self.resuming = ""
        """The line that goes on with open operations, where that is what was asked for."""

    @cached_property
    def clock(self) -> "Clock":
        """The system's clock."""
        return SystemClock()

    @cached_property
    def settings(self) -> "Settings":
        """This runner's configuration."""
        from tokenguard.shell.configuration import load_settings

        settings = load_settings(self.flags.config, self.environ)
        if settings.source is not None:
            self.say(f"configuration: {settings.source}")
        return settings

    @cached_property
    def screen(self) -> "Screen":
        """Standard output."""
        from tokenguard.shell.render import Screen

        return Screen(as_json=self.flags.format == "json", environ=self.environ, beside=self._beside_documents)

    @cached_property
    def progress(self) -> "StderrProgress":
        """Standard error."""
        from tokenguard.shell.progress import StderrProgress

        return StderrProgress(environ=self.environ)

    @cached_property
    def tty(self) -> "Tty | None":
        """The terminal of a person who may be asked; None under --no-input or without a terminal."""
        from tokenguard.shell.tty import Tty

        return None if self.flags.no_input else Tty.controlling()

    @cached_property
    def operator(self) -> "Operator":
        """The operator: the terminal, or the non-interactive one."""
        from tokenguard.shell.terminal import NonInteractiveOperator, TerminalOperator

        if self.tty is not None:
            return TerminalOperator(self.tty, self.progress)
        return NonInteractiveOperator("--no-input is set" if self.flags.no_input else "there is no terminal")

    @cached_property
    def store_url(self) -> str:
        """Which store: --store, TOKENGUARD_STORE, the configuration, or the platform's place for data."""
        from tokenguard.shell.store_url import named_store

        return named_store(self.flags.store or self.environ.get("TOKENGUARD_STORE", ""), self.settings)

    @cached_property
    def backend(self) -> "StoreBackend":
        """What differs between kinds of stores besides the port."""
        from tokenguard.shell.backends import backend_of

        return backend_of(self, self.store_url)

    @cached_property
    def store(self) -> "Store":
        """The store, open; values that were adopted are read and published where they are."""
        from tokenguard.stores.adopted import adopting

        self.say(f"store: {self.store_url}")
        return adopting(self.open_store(self.store_url), lambda: self.places)

    @cached_property
    def stores(self) -> "OpenedStores":
        """The stores that this process opens."""
        from tokenguard.shell.opened_stores import OpenedStores

        return OpenedStores(self)

    @cached_property
    def places(self) -> "ConfiguredPlaces":
        """Fields that others own, on the servers of this runner's configuration."""
        from tokenguard.shell.field_servers import ConfiguredPlaces

        return ConfiguredPlaces(
            self.settings, self.vault_of(self.store_url), self.environ, self.clock, keyless=self.keyless
        )

    def open_store(self, url: str) -> "Store":
        """The store at `url`, open; InputError, Unreachable, Tampered, Moved."""
        return self.stores.open(url)

    def open_end_of_move(self, url: str) -> "Store":
        """The same also where it is moving or has moved; for `migrate` alone."""
        return self.stores.open_end_of_move(url)

    def known_servers(self) -> "KnownServers":
        """Where this machine has reached the store so far; InputError if the store is a local one."""
        return self.stores.known_servers(self.store_url)

    def passed_over(self) -> "list[Stray]":
        """What reading the stores has left out, because others put it there."""
        return self.stores.passed_over() if "stores" in self.__dict__ else []

    @property
    def keyless(self) -> bool:
        """Whether this is a job of CI whose policy lets no credential in that lives for ever."""
        if not in_ci(self.environ):
            return False
        from tokenguard.policy.model import Severity

        rule = self.policy.rule("ci-long-lived-key")
        return rule is not None and rule.severity is Severity.ERROR

    def vault_of(self, url: str) -> "VaultConfig | None":
        """What the configuration and --server say of the Vault that a store's address means."""
        found = self.settings.vault_of(url, self.flags.store or self.environ.get("TOKENGUARD_STORE", ""))
        if not self.flags.server:
            return found
        from tokenguard.frozen import replace  # for an option that few need
        from tokenguard.settings import VaultConfig

        return replace(found or VaultConfig(), asked=self.flags.server)

    @property
    def local_directory(self) -> "Path":
        """Where the local store is; InputError if the store is another kind."""
        from tokenguard.shell.store_url import local_directory

        return local_directory(self.store_url)

    @property
    def ask_hidden(self) -> "Callable[[str], Secret] | None":
        """A hidden prompt, or None without a terminal."""
        return self.tty.ask_hidden if self.tty is not None else None

    @cached_property
    def policy(self) -> "Policy":
        """The policy in force: the configuration's file, else the organisation's as it was pulled, else the default."""
        from tokenguard.shell.organisation_policy import policy_in_force

        return policy_in_force(self.settings.policy_file)

    @cached_property
    def people(self) -> "Directory":
        """The organisation's people, of the configuration's file; empty without one."""
        from tokenguard.domain.people import Directory

        if (file := self.settings.people_file) is None:
            return Directory()
        from tokenguard.files import read_named
        from tokenguard.inventory import people_file

        data = read_named(file, people_file.MAX_BYTES, hint="correct [people] file in the configuration")
        found = people_file.read_people(data, source=file.name)
        return Directory(found, complete=self.settings.people_complete)

    @cached_property
    def approvals(self) -> "StoreApprovals":
        """The approvals of plans for unattended apply."""
        from tokenguard.usecases.approvals import StoreApprovals

        return StoreApprovals(self.store, self.clock)

    @cached_property
    def second_person(self) -> "SecondPerson":
        """The approvals of sensitive operations by another person."""
        return self.second_person_at(self.store)

    def second_person_at(self, store: "Store") -> "SecondPerson":
        """The same of a store that was opened by itself."""
        from tokenguard.usecases.second_person import SecondPerson

        found = SecondPerson(store, self.clock, lambda: self.policy, lambda: self.break_glass)
        found.requesting = self.requesting
        return found

    @cached_property
    def vendors(self) -> "ConfiguredVendors":
        """Providers, bound to their admin credentials."""
        from tokenguard.shell.vendors import ConfiguredVendors

        return ConfiguredVendors(
            self.settings,
            self.environ,
            self.clock,
            lambda: self.store,
            loopback=self._loopback_allowed,
            told=self.progress.waiting,
        )

    def _loopback_allowed(self) -> bool:
        from tokenguard.shell.store_url import takes_practice_tokens

        return takes_practice_tokens(self.store_url, lambda: self.store)

    def scan_key(self) -> "ScanKey | None":
        """This machine's scan key, if it has one; InputError if the variable for it holds none."""
        from tokenguard.shell.scan_key import find_scan_key  # may ask the keyring

        return find_scan_key(self.environ)

    def team_rules(self) -> "TeamRules | None":
        """The team's own plug-ins and filters for scans, loaded; None if the configuration names none."""
        from tokenguard.shell.scan_settings import team_rules  # few teams have any

        return team_rules(self.settings.scan)

    def read_value(self, source: "ValueOptions", name: str, fields: "Sequence[str]") -> "Value":
        """A new value of the token `name` from its source; InputError, NeedsPerson."""
        from tokenguard.shell.value_input import read_value  # only where a value is entered

        return read_value(source, self.environ, self.tty, name, fields)

    def check_destination(self, host: str) -> None:
        """Look for the credential of a host that values are delivered to; InputError if there is none."""
        from tokenguard.shell.deliveries import credential_at  # only `doctor` asks

        credential_at(host, self.settings.destinations[host], self.environ)

    @cached_property
    def server_setup(self) -> "ServerSetups":
        """The server of the store, as `setup` configures it."""
        from tokenguard.shell.server_setup import server_setup  # only `setup` asks

        return server_setup(self)

    @cached_property
    def notification_routes(self) -> "tuple[NotificationRoute, ...]":
        """The routes of this runner's notifications."""
        from tokenguard.shell.notification_routes import configured_routes  # only for notifications

        return configured_routes(self.settings, self.environ, self.clock)

    @cached_property
    def deliveries(self) -> "DeliveryRegistry":
        """How values reach their consumers from this machine."""
        from tokenguard.shell.deliveries import configured_deliveries

        return configured_deliveries(self.settings, self.environ, self.clock, lambda: self.places)

    @cached_property
    def engine(self) -> "Engine":
        """The rotation engine."""
        return self.engine_telling(self.progress)

    def engine_telling(self, progress: "Progress") -> "Engine":
        """The engine, telling its progress elsewhere."""
        from tokenguard.rotation.engine import Engine
        from tokenguard.rotation.session import DEFAULT_QUIET_PERIOD, Context
        from tokenguard.shell.terminal import NonInteractiveOperator

        self._take_turn()
        policy = self.policy
        return Engine(
            Context(
                store=self.store,
                vendors=self.vendors,
                deliveries=self.deliveries,
                operator=self.operator,
                attended=not isinstance(self.operator, NonInteractiveOperator),
                progress=progress,
                clock=self.clock,
                holder=self.holder,
                quiet_period=policy.quiet_period or DEFAULT_QUIET_PERIOD,
                accepts_assertion=policy.accepts_assertion,
                authorise=self.second_person.of_rotation,
                authorise_change=self.second_person.of_change,
            )
        )

    def _take_turn(self) -> None:
        """On AWS one runner works on a store at a time, unless it was told otherwise."""
        take = getattr(self.store, "acquire_lease", None)
        if take is not None and not self.concurrent:
            take(self.holder)

    @cached_property
    def holder(self) -> str:
        """Which runner this is: `host/pid/nonce`."""
        return f"{os.uname().nodename}/{os.getpid()}/{os.urandom(4).hex()}"

    @contextmanager
    def working_on(self, name: TokenName) -> Iterator[None]:
        """While it lasts, an interrupt tells how to go on with `name` if an operation on it is open."""
        self._working_on = name
        yield
        self._working_on = None

    def open_operation(self) -> TokenName | None:
        """The token we were working on when something stopped us, if its operation is still open.

        None says nothing of other tokens: they were not looked up.
        """
        name, self._working_on = self._working_on, None
        if name is None:
            return None
        snapshot = self.store.find(name)
        return name if snapshot is not None and snapshot.document.busy else None

    def end_live_line(self) -> None:
        """Take away what is being waited for, before something else is written to the terminal."""
        if "progress" in self.__dict__:
            self.progress.clear()

    def report_passed_over(self) -> None:
        """Report on standard error what reading the stores has left out."""
        if "stores" in self.__dict__:
            self.stores.report_passed_over()

    def _beside_documents(self) -> dict[str, Any]:
        """What every JSON document says of its own completeness."""
        found = [{"where": each.where, "what": each.what} for each in self.passed_over()]
        return {"passed_over": found} if found else {}

    def say(self, text: str) -> None:
        """Tell what is used and done, under -v."""
        if self.flags.verbose:
            self.progress.note(text)

    def close(self) -> None:
        """Let go of what was opened; a person's session that served as admin credential ends with the run."""
        if "vendors" in self.__dict__:
            for told in dict.fromkeys(self.vendors.close()):
                self.progress.note(told)
        if self.__dict__.get("tty") is not None:
            self.__dict__["tty"].close()
        if "store" in self.__dict__:
            from tokenguard.shell.opened_stores import close_store

            close_store(self.store)
