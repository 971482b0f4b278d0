"""`plan` and `apply` on a world in memory, as one process after another; any write or effect may be the last."""

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.command_line import NamedVendors
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import FakeDelivery, FakeIssuer, World
from tokenguard.cli.error_handler import run
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.ports.provider import Vendor
from tokenguard.shell.wiring import Wiring

WRITES = ("commit", "put_candidate", "publish", "withdraw", "destroy")


class Killed(BaseException):
    """The process is gone."""


class Deliveries:
    def __init__(self) -> None:
        self.delivery = FakeDelivery()

    def of(self, consumer: Consumer) -> FakeDelivery | None:
        return None if consumer.kind is ConsumerKind.PERSON else self.delivery

    def warnings(self, consumer: Consumer) -> tuple[str, ...]:
        return ()


class Watched:
    """An object some of whose methods are announced before and after they take effect."""

    def __init__(self, inner: Any, methods: tuple[str, ...], tell: Callable[[], None]) -> None:
        self._inner, self._methods, self._tell = inner, methods, tell

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._methods:
            return found

        def told(*arguments: Any, **more: Any) -> Any:
            self._tell()
            answer = found(*arguments, **more)
            self._tell()
            return answer

        return told


class WatchedVendors(NamedVendors):
    def __init__(self, world: World, tell: Callable[[], None]) -> None:
        super().__init__(world)
        self._tell = tell

    def of(self, record: Any) -> Vendor:
        provider = self.provider(record.provider)
        if provider is not self.fake:
            return Vendor(provider, None)
        return Vendor(provider, Watched(FakeIssuer(self.world), ("create", "revoke"), self._tell))


@dataclass
class Shop:
    """One store, one provider, one manifest."""

    directory: Path
    clock: FakeClock = field(default_factory=FakeClock)
    reached: int = 0
    """How many announcements there were in the last call."""

    def __post_init__(self) -> None:
        self.world = World(self.clock)
        self.store = MemoryStore(self.clock)
        self.deliveries = Deliveries()
        self._at: Callable[[int], None] = lambda _number: None

    def declare(self, tokens: Mapping[str, Mapping[str, Any]], **top: Any) -> None:
        """Write the manifest; JSON is YAML."""
        self.approved = False
        (self.directory / "tokens.yaml").write_text(json.dumps({"version": "1", "tokens": tokens, **top}))

    def __call__(self, *arguments: str, at: Callable[[int], None] | None = None) -> tuple[int, Any]:
        """A process: its exit code, and the document it printed. `at` is called at every write and effect."""
        if arguments[0] == "apply" and not self.approved:
            self.approved = True
            self._run("approve", self.plan()["digest"], "--yes")
        return self._run(*arguments, at=at)

    def _run(self, *arguments: str, at: Callable[[int], None] | None = None) -> tuple[int, Any]:
        counted = iter(range(1, 1_000_000))

        def tell() -> None:
            self.reached = next(counted)
            if at is not None:
                at(self.reached)

        wiring = Wiring(environ={})
        wiring.clock, wiring.tty = self.clock, None
        wiring.store_url = "local:///srv/store"
        wiring.store = Watched(self.store, WRITES, tell)  # type: ignore[assignment]
        wiring.vendors = WatchedVendors(self.world, tell)  # type: ignore[assignment]
        wiring.deliveries = Watched(self.deliveries, (), tell)  # type: ignore[assignment]
        self.reached = 0
        out, err = io.StringIO(), io.StringIO()
        file = str(self.directory / "tokens.yaml")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            words = (
                [*arguments[:2], file, *arguments[2:]]
                if arguments[0] == "approve"
                else [arguments[0], file, *arguments[1:]]
            )
            code = run([*words, "--format", "json", "--no-input"], wiring)
        self.said = out.getvalue() + err.getvalue()
        return code, json.loads(out.getvalue()) if out.getvalue().strip() else None

    def plan(self) -> Any:
        code, document = self._run("plan")
        assert code in {0, 2}, self.said
        return document

    def everything(self) -> object:
        return [(each, self.store.history(each.id)) for each in self.store.scan()]

    def check(self) -> None:
        """What must be true when all is done: as declared, nothing open, and every living token known to a record."""
        plan = self.plan()
        assert plan["actions"] == [], plan["actions"]
        assert not plan["blocked"], plan["blocked"]
        live = {}
        for each in self.store.scan():
            assert not each.document.busy
            value = self.store.read_live(each.id)
            if value is not None:
                live[value.value.token.reveal()] = each.document.record
        assert {made.value for made in self.world.living()} == set(live), "a living token that no record serves"
        for value, record in live.items():
            for consumer in record.consumers or ():
                if consumer.kind is not ConsumerKind.PERSON:
                    assert self.deliveries.delivery.held[consumer] == value


def killed_at(number: int) -> Callable[[int], None]:
    """Ends the process at its `number`th announcement."""

    def at(reached: int) -> None:
        if reached == number:
            raise Killed

    return at
