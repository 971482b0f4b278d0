"""What use cases take of a process, in memory: no command line, no terminal, no configuration."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fakes.approvals import EverythingApproved
from tests.fakes.clock import FakeClock
from tests.fakes.memory_places import MemoryPlaces
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import FakeDeliveries, FakeIssuer, FakeProvider, Quiet, ScriptedOperator, World
from tokenguard.domain.diagnosis import Diagnosis, passed_check
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName, token_name
from tokenguard.domain.people import Directory
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer, Record
from tokenguard.errors import InputError
from tokenguard.inventory import admission
from tokenguard.policy.loader import default_policy
from tokenguard.ports.provider import Vendor
from tokenguard.ports.store_backend import LoginAbilities
from tokenguard.rotation.engine import Engine
from tokenguard.rotation.session import DEFAULT_QUIET_PERIOD, Context
from tokenguard.settings import Settings
from tokenguard.usecases.second_person import SecondPerson

NAME = token_name("video/app/prod/upload")


class Conversation:
    """A person who gives prepared answers."""

    def __init__(self, *answers: str) -> None:
        self.answers = deque(answers)
        self.shown: list[str] = []

    def show(self, text: str = "") -> None:
        self.shown.append(text)

    def ask(self, prompt: str, *, public: bool = False) -> str:
        self.shown.append(prompt)
        return self.answers.popleft()

    def ask_hidden(self, prompt: str) -> Secret:
        return Secret(self.ask(prompt))


class Printed:
    """Standard output that remembers."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.to_terminal = True
        self.lines: list[str] = []
        self.documents: list[Any] = []

    def document(self, content: Any) -> None:
        self.documents.append(content)

    def line(self, text: str = "") -> None:
        self.lines.append(text)

    def text(self, text: str) -> None:
        self.lines += text.split("\n")

    def table(self, columns: Any, rows: Any, *, tones: Any = ()) -> None:
        self.lines += [" ".join(columns), *(" ".join(row) for row in rows)]


class OneVendor:
    """Knows the world's provider, by the name `fake`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._provider = FakeProvider(world)

    def provider(self, name: str) -> FakeProvider:
        if name != "fake":
            raise InputError("unknown provider", hint="fake")
        return self._provider

    def provider_of(self, record: Record) -> FakeProvider:
        return self.provider(record.provider)

    def of(self, record: Record) -> Vendor:
        return Vendor(self.provider(record.provider), FakeIssuer(self._world))


class SurveyedFakes(FakeDeliveries):
    def warnings(self, consumer: Consumer) -> tuple[str, ...]:
        return ()


class MemoryBackend:
    """The kind of the store in memory."""

    most_jobs = 1
    shared = True
    roles_need_account = False

    def monthly_cost(self, tokens: int) -> str:
        return ""

    def role_policies(self) -> dict[str, str]:
        return {"planner": "reads", "rotator": "writes"}

    def job_roles(self, system: str, account: str) -> tuple[str, str]:
        return f"{system}-planner", f"{system}-rotator"

    def server_address(self) -> str | None:
        return "https://vault.test:8200"

    def abilities(self) -> LoginAbilities:
        return LoginAbilities()

    def health(self) -> Iterator[Diagnosis]:
        yield passed_check("memory", "it is there")


class UseCaseParts:
    """All of them, on one world."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.world = World(self.clock)
        self.store = MemoryStore(self.clock)
        self.store_url = "vault://secret/team"
        self.backend = MemoryBackend()
        self.progress = Quiet()
        self.screen = Printed()
        self.tty: Conversation | None = Conversation()
        self.operator = ScriptedOperator(self.world)
        self.environ: dict[str, str] = {}
        self.settings = Settings()
        self.policy = default_policy()
        self.people = Directory()
        self.vendors = OneVendor(self.world)
        self.deliveries = SurveyedFakes()
        self.places = MemoryPlaces()
        self.approvals = EverythingApproved()
        self.holder = "host/1/ab"
        self.requesting = False
        self.second_person = SecondPerson(self.store, self.clock, lambda: self.policy)
        self.unfinished = ""
        self.resumed_by = "rotate"
        self.notification_routes: tuple[Any, ...] = ()
        self.engine = self.engine_telling(self.progress)

    def engine_telling(self, progress: Any) -> Engine:
        return Engine(
            Context(
                store=self.store, vendors=self.vendors, deliveries=self.deliveries, operator=self.operator,
                attended=True, progress=progress, clock=self.clock, holder=self.holder,
                quiet_period=DEFAULT_QUIET_PERIOD, accepts_assertion=self.policy.accepts_assertion,
                authorise=self.second_person.of_rotation, authorise_change=self.second_person.of_change,
            )
        )  # fmt: skip

    @contextmanager
    def working_on(self, name: TokenName) -> Iterator[None]:
        yield

    def open_operation(self) -> TokenName | None:
        return None

    def say(self, text: str) -> None:
        self.progress.note(text)

    def open_store(self, url: str) -> MemoryStore:
        return self.store

    def read_value(self, source: Any, name: str, fields: Any) -> Value:
        return Value.of(self.world.create(name).value)

    def scan_key(self) -> None:
        return None

    def team_rules(self) -> None:
        return None

    def passed_over(self) -> list[Any]:
        return []

    def check_destination(self, host: str) -> None:
        raise InputError(f"no credential for {host}", hint="name one")

    def added(self, name: TokenName = NAME, **facts: Any) -> Snapshot:
        """A live token of the world in the store."""
        value = Value.of(self.world.create(name).value)
        record = Record(
            name=name, provider="fake", scope=next(iter(self.world.living())).scope, environment="prod", owner="video",
            purpose="uploads", consumers=(), created_at=self.clock.now(), **facts,
        )  # fmt: skip
        return admission.take(self.store, self.engine, record, value, None)


class Only:
    """Nothing of `parts` but what a Protocol names: a use case that takes more fails here, as it does in mypy."""

    def __init__(self, parts: UseCaseParts, protocol: type) -> None:
        names = {name for base in protocol.__mro__ for name in vars(base) if not name.startswith("_")}
        names |= {name for base in protocol.__mro__ for name in getattr(base, "__annotations__", {})}
        object.__setattr__(self, "_only", (parts, names))

    def __getattr__(self, name: str) -> Any:
        parts, names = object.__getattribute__(self, "_only")
        if name not in names:
            raise AssertionError(f"the use case takes {name} and does not say so")
        return getattr(parts, name)

    def __setattr__(self, name: str, value: Any) -> None:
        parts, names = object.__getattribute__(self, "_only")
        assert name in names, name
        setattr(parts, name, value)
