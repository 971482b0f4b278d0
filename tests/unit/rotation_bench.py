"""The bench on which rotation tests run: a store, a world, one token that is live."""

from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import (
    DRIVE,
    FakeDeliveries,
    FakeIssuer,
    FakeProvider,
    FakeVendors,
    Made,
    Quiet,
    ScriptedOperator,
    World,
)
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.journal import Journal
from tokenguard.domain.names import TokenId, token_name
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind, Record
from tokenguard.ports.provider import Method
from tokenguard.rotation.engine import Engine
from tokenguard.rotation.session import Context

APP = Consumer(ConsumerKind.DOTENV, "/srv/app/.env#TOKEN")


@dataclass
class Bench:
    guided: bool = False
    revoke_lag: float = 0.0
    consumers: tuple[Consumer, ...] | None = (APP,)
    capabilities: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.world = World(self.clock, revoke_lag=self.revoke_lag)
        self.store = MemoryStore(self.clock)
        ways = {"mint": Method.PERSON, "revoke": Method.PERSON, "lists": False} if self.guided else {}
        lag = {"revoke_lag": timedelta(seconds=self.revoke_lag)}
        self.provider = FakeProvider(self.world, **{**ways, **lag, **self.capabilities})
        self.issuer = None if self.guided else FakeIssuer(self.world)
        self.vendors = FakeVendors(self.provider, self.issuer)
        self.deliveries = FakeDeliveries()
        self.operator = ScriptedOperator(self.world)
        self.progress = Quiet()
        self.engine = self.runner("one")

    def runner(self, holder: str) -> Engine:
        return Engine(
            Context(
                store=self.store,
                vendors=self.vendors,
                deliveries=self.deliveries,
                operator=self.operator,
                progress=self.progress,
                clock=self.clock,
                holder=f"testhost/1/{holder}",
            )
        )

    def record(self, name: str = "video/upload/prod") -> Record:
        return Record(
            name=token_name(name),
            provider="fake",
            scope=DRIVE,
            environment="prod",
            purpose="upload",
            owner="video",
            consumers=self.consumers,
            base_url=self.provider.base_url,
        )

    def add(self, name: str = "video/upload/prod") -> tuple[TokenId, Made]:
        made = self.world.create(f"hand-made-{name}")
        value = Value.of(made.value)
        record = self.record(name)
        from tokenguard.frozen import replace

        record = replace(record, provider_id="" if self.guided else made.id, label=made.label)
        snapshot = self.engine.add(record, value, seen=self.provider.probe(value, DRIVE))
        return snapshot.id, made

    def look_again(self, token: TokenId) -> list[object]:
        """The later look at what is kept; its outcomes. Raises what it found."""
        results = list(self.engine.reprobe(token))
        for result in results:
            if result.error is not None:
                raise result.error
        return [result.outcome for result in results]

    def document(self, token: TokenId) -> Document:
        return self.store.load(token).document

    def journal(self, token: TokenId) -> Journal:
        journal = self.document(token).journal
        assert journal is not None
        return journal

    def live_value(self, token: TokenId) -> str:
        live = self.store.read_live(token)
        assert live is not None
        return live.value.token.reveal()

    def ops(self, token: TokenId) -> list[str]:
        return [f"{e.event.op}:{e.event.phase}" for e in self.store.history(token)]


def finished(snapshot: Snapshot) -> bool:
    return snapshot.document.journal is not None and snapshot.document.journal.stage.ended
