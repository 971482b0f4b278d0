"""The parts of a process that use cases take: one Protocol a part; each use case names the parts that it uses.

The composition root of a command has all of them. A test gives a use case the parts that it names, and nothing else.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # each of these loads what only some use cases need
    from tokenguard.domain.names import TokenName
    from tokenguard.domain.people import Directory
    from tokenguard.domain.secret import Value
    from tokenguard.notifications.routes import NotificationRoute
    from tokenguard.policy.model import Policy
    from tokenguard.ports.clock import Clock
    from tokenguard.ports.delivery import SurveyedDeliveries
    from tokenguard.ports.external_fields import SurveyedFields
    from tokenguard.ports.operator import Operator, Progress
    from tokenguard.ports.printer import Printer
    from tokenguard.ports.provider import KnownVendors
    from tokenguard.ports.store import Store, Stray
    from tokenguard.ports.store_backend import StoreBackend
    from tokenguard.ports.terminal import Terminal
    from tokenguard.ports.value_source import ValueOptions
    from tokenguard.provisioning.server_setup.setup_target import ServerSetups
    from tokenguard.rotation.engine import Engine
    from tokenguard.scanning.bundle import ScanKey
    from tokenguard.scanning.team_rules import TeamRules
    from tokenguard.settings import Settings
    from tokenguard.usecases.approvals import StoreApprovals
    from tokenguard.usecases.second_person import SecondPerson


class HasStore(Protocol):
    """The store in use."""

    @property
    def store(self) -> "Store":
        """The store, open."""
        ...


class HasStoreUrl(Protocol):
    """The address of the store in use, before it is opened."""

    @property
    def store_url(self) -> str:
        """Its address."""
        ...


class HasBackend(Protocol):
    """What differs between kinds of stores."""

    @property
    def backend(self) -> "StoreBackend":
        """The kind of the store in use."""
        ...


class OpensStores(Protocol):
    """Other stores of this runner's configuration."""

    def open_store(self, url: str) -> "Store":
        """The store at an address; InputError, Unreachable or Tampered if it cannot be opened."""
        ...


class HasClock(Protocol):
    """The time."""

    @property
    def clock(self) -> "Clock":
        """The clock."""
        ...


class HasProgress(Protocol):
    """Messages during work."""

    @property
    def progress(self) -> "Progress":
        """Where they go."""
        ...

    def say(self, text: str) -> None:
        """Tell what is used and done, where the person asked for it."""
        ...


class HasPrinter(Protocol):
    """Standard output."""

    @property
    def screen(self) -> "Printer":
        """Where results are printed."""
        ...


class HasTerminal(Protocol):
    """The person who runs the command."""

    @property
    def tty(self) -> "Terminal | None":
        """Their terminal; None where no person may be asked."""
        ...


class HasOperator(Protocol):
    """The person who does manual steps."""

    @property
    def operator(self) -> "Operator":
        """The operator."""
        ...


class ReadsValues(Protocol):
    """New values, from a prompt, a variable, a file or standard input."""

    def read_value(self, source: "ValueOptions", name: str, fields: Sequence[str]) -> "Value":
        """The value of the token `name`; a hidden prompt where no source was named.

        Args:
            source: the option that names where it is.
            name: the token, for the prompt and for errors.
            fields: the fields of its value.

        Raises:
            InputError: it is missing, or cannot be a token's value; it is never quoted.
            NeedsPerson: no source was named, and there is no terminal.
        """
        ...


class HasEnvironment(Protocol):
    """The environment of the process."""

    @property
    def environ(self) -> Mapping[str, str]:
        """Its variables."""
        ...


class HasSettings(Protocol):
    """This runner's configuration."""

    @property
    def settings(self) -> "Settings":
        """Its values."""
        ...


class HasPolicy(Protocol):
    """The policy in force."""

    @property
    def policy(self) -> "Policy":
        """The policy."""
        ...


class HasPeople(Protocol):
    """The organisation's people."""

    @property
    def people(self) -> "Directory":
        """The people; empty without a file of them."""
        ...


class HasVendors(Protocol):
    """Providers, with their admin credentials."""

    @property
    def vendors(self) -> "KnownVendors":
        """The providers that this runner's configuration knows."""
        ...


class HasDeliveries(Protocol):
    """How values reach consumers."""

    @property
    def deliveries(self) -> "SurveyedDeliveries":
        """The deliveries of this runner's configuration."""
        ...

    def check_destination(self, host: str) -> None:
        """Look for the credential of a host that values are delivered to; InputError if there is none."""
        ...


class HasExternalFields(Protocol):
    """Fields of other systems."""

    @property
    def places(self) -> "SurveyedFields":
        """The fields on the servers of this runner's configuration."""
        ...


class HasEngine(Protocol):
    """Rotations."""

    @property
    def engine(self) -> "Engine":
        """The engine."""
        ...

    @property
    def holder(self) -> str:
        """Which runner this is."""
        ...

    def engine_telling(self, progress: "Progress") -> "Engine":
        """The engine, telling its progress elsewhere."""
        ...

    def working_on(self, name: "TokenName") -> AbstractContextManager[None]:
        """While it lasts, an interrupt tells how to go on with `name` if an operation on it is open."""
        ...


class HasOpenWork(Protocol):
    """What an interrupt leaves."""

    unfinished: str
    """How to continue; printed when the interrupt is reported."""

    @property
    def resumed_by(self) -> str:
        """The command that continues what this one began."""
        ...

    def open_operation(self) -> "TokenName | None":
        """The token that was worked on, if its operation is still open."""
        ...


class HasSecondPerson(Protocol):
    """Approvals of sensitive operations."""

    requesting: bool
    """Whether the command is only to be requested: nothing may be done."""

    @property
    def second_person(self) -> "SecondPerson":
        """The approvals by another person."""
        ...


class WritesRecords(
    HasClock,
    HasDeliveries,
    HasExternalFields,
    HasProgress,
    HasSecondPerson,
    HasStore,
    HasTerminal,
    HasVendors,
    Protocol,
):
    """What checking and writing a record takes: where its value may go is looked up, confirmed and approved."""


class HasApprovals(Protocol):
    """Approvals of plans."""

    @property
    def approvals(self) -> "StoreApprovals":
        """The approvals in the store."""
        ...


class HasServerSetup(Protocol):
    """The configuration of the store's server."""

    @property
    def server_setup(self) -> "ServerSetups":
        """The server, as `setup` configures it."""
        ...


class HasRoutes(Protocol):
    """Receivers of notifications."""

    @property
    def notification_routes(self) -> "tuple[NotificationRoute, ...]":
        """The routes of this runner's configuration."""
        ...


class HasScanRules(Protocol):
    """What scans use besides the rules of the package."""

    def scan_key(self) -> "ScanKey | None":
        """This machine's scan key, if it has one; InputError if the variable for it holds none."""
        ...

    def team_rules(self) -> "TeamRules | None":
        """The team's own plug-ins and filters, loaded; None if the configuration names none."""
        ...


class HasStrays(Protocol):
    """Foreign entries in the stores."""

    def passed_over(self) -> "list[Stray]":
        """What reading has left out."""
        ...
