"""A provider, its person and its consumers in memory: the world that an operation acts on, with faults to order."""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.clock import FakeClock
from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer, ConsumerKind, Record
from tokenguard.errors import NeedsPerson
from tokenguard.ports.delivery import ConsumerVerdict, Delivery
from tokenguard.ports.operator import Creator, StrayToken, Task, TokenTrace, TokenTraceAnswer
from tokenguard.ports.provider import (
    Capabilities,
    CreatedToken,
    CreateRefused,
    Guide,
    Issuer,
    Method,
    ProviderToken,
    TokenList,
    TokenRequest,
    Vendor,
)

DRIVE = Scope("drive", "d1")
OTHER_DRIVE = Scope("drive", "d2")


def canary() -> str:
    """A value that is unmistakably a test's."""
    return f"tgcanary_{secrets.token_hex(16)}"


@dataclass
class Made:
    id: str
    label: str
    value: str
    scope: Scope
    created_at: datetime
    revoked_at: float | None = None
    last_used_at: datetime | None = None


@dataclass
class World:
    """The provider's truth. `outage` answers 401 to everybody; `half_outage` does so where tokens are probed, while the
    admin credential is accepted elsewhere; `unknown` answers nothing usable."""

    clock: FakeClock
    revoke_lag: float = 0.0
    outage: bool = False
    half_outage: bool = False
    unknown: int = 0
    unlisted: set[str] = field(default_factory=set)
    """Ids of tokens that live and that the provider's list lacks."""
    list_gap: str = ""
    """Why the provider's list is not known to be complete."""
    listed_as: str = ""
    """Stands before each id in the list; a token can then be revoked by that id only."""
    hint: Callable[[str], str] = lambda value: value[:12] + "..." + value[-4:]
    """What the list shows of a value."""
    made: dict[str, Made] = field(default_factory=dict)

    def create(self, label: str, scope: Scope = DRIVE, value: str | None = None) -> Made:
        made = Made(f"id{len(self.made) + 1}", label, value or canary(), scope, self.clock.now())
        self.made[made.id] = made
        return made

    def revoke(self, id_: str) -> None:
        if id_ in self.made and self.made[id_].revoked_at is None:
            self.made[id_].revoked_at = self.clock.monotonic()

    def revoke_label(self, label: str) -> None:
        for made in self.made.values():
            if made.label == label:
                self.revoke(made.id)

    def alive(self, made: Made) -> bool:
        return made.revoked_at is None or self.clock.monotonic() < made.revoked_at + self.revoke_lag

    def of_value(self, value: str) -> Made | None:
        return next((made for made in self.made.values() if made.value == value), None)

    def living(self) -> list[Made]:
        return [made for made in self.made.values() if self.alive(made)]


class FakeProvider:
    name = "fake"
    base_url = "http://127.0.0.1:1"

    def __init__(self, world: World, **capabilities: object) -> None:
        self.world = world
        self.capabilities = Capabilities(
            **{
                "mint": Method.API,
                "revoke": Method.API,
                "probe": True,
                "lists": True,
                "verifies_scope": True,
                **capabilities,
            }  # type: ignore[arg-type]
        )

    def guide(self) -> Guide:
        return Guide("Settings", create=("create {label} for {scope}",), revoke=("revoke {label}",))

    def warnings(self, value: Value) -> tuple[str, ...]:
        return ()

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        now = self.world.clock.now()
        if self.world.unknown:
            self.world.unknown -= 1
            return Observation(verdict=Verdict.UNKNOWN, at=now, reason="http-503")
        made = self.world.of_value(value.token.reveal())
        if self.world.outage or self.world.half_outage or made is None or not self.world.alive(made):
            return Observation(verdict=Verdict.DEAD, at=now, reason="http-401")
        verdict = ScopeVerdict.UNVERIFIED
        if expected is not None:
            verdict = ScopeVerdict.RIGHT if made.scope == expected else ScopeVerdict.WRONG
        return Observation(verdict=Verdict.ALIVE, at=now, reason="http-200", scope=made.scope, scope_verdict=verdict)


class FakeIssuer:
    def __init__(self, world: World) -> None:
        self.world = world

    def _admitted(self) -> None:
        if self.world.outage:
            raise CreateRefused("401", hint="-")

    def create(self, wanted: TokenRequest) -> CreatedToken:
        self._admitted()
        made = self.world.create(wanted.label, wanted.scope or DRIVE)
        return CreatedToken(value=Value.of(made.value), provider_id=made.id, hint=self.world.hint(made.value))

    def listed(self) -> TokenList:
        self._admitted()
        rows = [
            ProviderToken(
                provider_id=self.world.listed_as + made.id,
                label=made.label,
                hint=self.world.hint(made.value),
                created_at=made.created_at,
                last_used_at=made.last_used_at,
            )
            for made in self.world.made.values()
            if made.revoked_at is None and made.id not in self.world.unlisted
        ]
        return TokenList(rows=tuple(rows), gap=self.world.list_gap)

    def revoke(self, provider_id: str) -> None:
        self._admitted()
        if provider_id.startswith(self.world.listed_as):
            self.world.revoke(provider_id.removeprefix(self.world.listed_as))


class ScriptedOperator:
    """A person who does what the script says; by default the right thing. An answer may be an exception to raise."""

    def __init__(self, world: World | None = None, *answers: object) -> None:
        self.world = world
        self.answers = deque(answers)
        self.asked: list[tuple[str, Task, str]] = []
        self.knows_strays = False
        """Whether the script answers the question about a token that belongs elsewhere; otherwise it is the person's."""

    def _next(self, kind: str, task: Task, retry: str) -> object:
        self.asked.append((kind, task, retry))
        answer = self.answers.popleft() if self.answers else None
        if callable(answer):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def paste(self, task: Task, *, retry: str = "") -> Secret:
        answer = self._next("paste", task, retry)
        if answer is None and self.world is not None:
            answer = self.world.create(task.steps[0].split()[1]).value
        assert isinstance(answer, str)
        return Secret(answer)

    def created_now(self, stray: StrayToken) -> bool:
        task = Task(title=f"{stray.found}, not {stray.wanted}", where=stray.provider, steps=())
        if not self.knows_strays:
            self.asked.append(("stray", task, ""))
            return True
        return self._next("stray", task, "") is not False

    def done(self, task: Task, *, retry: str = "") -> str | None:
        answer = self._next("done", task, retry)
        if answer is None and self.world is not None:
            if task.steps[0].startswith("revoke "):
                self.world.revoke_label(task.steps[0].split(maxsplit=1)[1])
            return "ada"
        return answer if isinstance(answer, str) and answer else None

    def hand_over(self, leaves: Callable[[str], bool], successor: Creator) -> None:
        pass

    def creator(self, provider: str, recorded: Creator | None) -> Creator:
        return Creator("ada", recorded.account if recorded is not None else "")

    def ask_outcome(self, task: Task) -> TokenTrace:
        answer = self._next("trace", task, "")
        if answer is None and self.world is not None:
            label = task.title.split()[4]
            alive = any(made.label == label for made in self.world.living())
            self.world.revoke_label(label)
            return TokenTrace(TokenTraceAnswer.REVOKED if alive else TokenTraceAnswer.ABSENT, "ada")
        assert isinstance(answer, TokenTraceAnswer)
        return TokenTrace(answer, "ada")


class AbsentOperator:
    """Nobody may be asked."""

    def paste(self, task: Task, *, retry: str = "") -> Secret:
        raise NeedsPerson(task.title, hint="run it where a person can answer")

    def created_now(self, stray: StrayToken) -> bool:
        raise NeedsPerson(stray.found, hint="run it where a person can answer")

    def done(self, task: Task, *, retry: str = "") -> str | None:
        raise NeedsPerson(task.title, hint="run it where a person can answer")

    def ask_outcome(self, task: Task) -> TokenTrace:
        raise NeedsPerson(task.title, hint="run it where a person can answer")

    def hand_over(self, leaves: Callable[[str], bool], successor: Creator) -> None:
        pass

    def creator(self, provider: str, recorded: Creator | None) -> Creator:
        return Creator("", "")


class FakeDelivery:
    """A consumer that holds what was pushed; `deaf` swallows it."""

    def __init__(self) -> None:
        self.held: dict[Consumer, str] = {}
        self.deaf = False

    def check(self, consumer: Consumer) -> None:
        pass

    def push(self, consumer: Consumer, value: Value) -> None:
        if not self.deaf:
            self.held[consumer] = value.token.reveal()

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        return (
            ConsumerVerdict.EXPECTED if self.held.get(consumer) == value.token.reveal() else ConsumerVerdict.DIFFERENT
        )


class FakeDeliveries:
    def __init__(self) -> None:
        self.delivery = FakeDelivery()

    def of(self, consumer: Consumer) -> Delivery | None:
        return None if consumer.kind is ConsumerKind.PERSON else self.delivery

    def check_command(self, name: str) -> None:
        pass

    def run_command(self, name: str) -> str:
        return ""


class FakeVendors:
    def __init__(self, provider: FakeProvider, issuer: Issuer | None) -> None:
        self.provider = provider
        self.issuer = issuer

    def of(self, record: Record) -> Vendor:
        return Vendor(self.provider, self.issuer)


class Quiet:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def step(self, text: str) -> None:
        self.lines.append(text)

    def waiting(self, text: str) -> None:
        self.lines.append(f"… {text}")

    def note(self, text: str) -> None:
        self.lines.append(f"! {text}")
