"""The command line in this process: a world in memory behind it, and what every answer of it must look like."""

import io
import json
import re
import sys
from collections import deque

from tests.fakes.answer import Answer, Refusal
from tests.fakes.approvals import EverythingApproved
from tests.fakes.clock import FakeClock
from tests.fakes.memory_places import MemoryPlaces
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import FakeIssuer, FakeProvider, World
from tokenguard.cli.error_handler import run
from tokenguard.domain.secret import Secret
from tokenguard.domain.token import Record
from tokenguard.errors import InputError
from tokenguard.ports.provider import Vendor
from tokenguard.ports.shared_item import Item
from tokenguard.providers.manual import Manual
from tokenguard.providers.provider_registry import build, described_services
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.adopted import adopting


class FakeTty:
    """A person who answers from a list; remembers what was shown. Ctrl-C when there is nothing left to say."""

    def __init__(self, *answers: str) -> None:
        self.answers = deque(answers)
        self.shown: list[str] = []
        self.creator: tuple[str, str] | None = ("", "")
        """What is answered when name and login are asked for; None: the next answers."""

    def show(self, text: str = "") -> None:
        self.shown.append(text)

    def ask(self, prompt: str, *, public: bool = False) -> str:
        self.shown.append(prompt)
        if self.creator is not None and prompt.startswith(("  who does this?", "  your login at ")):
            return self.creator[prompt.startswith("  your login")]
        if not self.answers:
            raise KeyboardInterrupt
        return self.answers.popleft()

    def ask_hidden(self, prompt: str) -> Secret:
        return Secret(self.ask(prompt))

    def close(self) -> None:
        pass


class NamedVendors:
    """`fake` is the world's provider; `manual` and the described services are the real ones."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fake = FakeProvider(world)

    def provider(self, name: str):
        if name == "manual":
            return Manual(self.world.clock)
        if name in described_services():
            return build(name, ProviderSettings(), self.world.clock)
        if name != "fake":
            raise InputError("unknown provider", hint="fake or manual")
        return self.fake

    def provider_of(self, record: Record):
        return self.provider(record.provider)

    def of(self, record: Record) -> Vendor:
        provider = self.provider(record.provider)
        return Vendor(provider, FakeIssuer(self.world) if provider is self.fake else None)


class CommandLine:
    """Calls commands as a process would, on one store."""

    def __init__(self, monkeypatch, capfd) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        self.clock = FakeClock()
        self.world = World(self.clock)
        self.vendors = NamedVendors(self.world)
        self.store = MemoryStore(self.clock)
        self.places = MemoryPlaces()
        self.environ: dict[str, str] = {"NO_COLOR": "1"}
        self.tty: FakeTty | None = None
        self.approver = True
        """Whether every plan was approved before it is applied; False: the approvals are those of the store."""

    def __call__(self, *arguments: str, stdin: str | bytes = b"") -> Answer:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = run(arguments, self.wiring())
        shown = self._capfd.readouterr()
        return Answer(code, shown.out, shown.err, arguments)

    def wiring(self) -> Wiring:
        """The world that one command runs in."""
        wiring = Wiring(environ=self.environ)
        wiring.clock = self.clock
        wiring.tty = self.tty
        if self.store is not None:
            wiring.store, wiring.store_url, wiring.vendors = self._adopting, "local:///srv/store", self.vendors
            wiring.places = self.places
            if self.approver:
                wiring.approvals = EverythingApproved()
        return wiring

    @property
    def _adopting(self):
        return adopting(self.store, lambda: self.places)

    def refused(self, *arguments: str, code: int = 2, stdin: str | bytes = b"") -> Refusal:
        """Call it, and check that it was refused as design says; returns the error's text."""
        before = self.everything()
        answer = self(*arguments, stdin=stdin)
        assert answer.code == code, answer
        assert not answer.out or list(json.loads(answer.out)) == ["error"], answer
        lines = answer.err.splitlines()
        assert [line.partition(":")[0] for line in lines[-2:]] == ["error", "hint"], answer
        assert answer.err.count("error: ") == answer.err.count("hint: ") == 1, answer
        assert not re.search(r"\w\.$", lines[-2]), answer
        assert self.everything() == before, "something was written"
        return Refusal.of(answer)

    def everything(self) -> object:
        if self.store is None:
            return None
        tokens = [(each, self.store.history(each.id)) for each in self.store.scan()]
        return tokens, self.store.history(None), [self.store.shared_items.trail(item) for item in Item]

    def add(self, name: str = "video/app/prod/upload", *more: str) -> str:
        """A live token of the fake provider in the store; returns its value."""
        value = self.world.create(name).value
        answer = self(
            "add", name, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
            "--purpose", "uploads", "--no-consumers", "--created", f"{self.clock.now():%Y-%m-%d}", "--stdin", *more,
            stdin=value,
        )  # fmt: skip
        assert answer.code == 0, answer
        assert value not in answer.out + answer.err
        return value
