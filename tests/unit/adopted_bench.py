"""The bench of rotation tests, its token in a field of somebody else's entry."""

from tests.fakes.memory_places import MemoryPlaces
from tests.fakes.world import DRIVE, Made
from tests.unit.rotation_bench import Bench
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.frozen import replace
from tokenguard.stores.adopted import adopting

URL = "vault://kv/video/app#token"
OTHERS = {"zone": "eu", "nested": {"b": [1, None]}, "none": None}


class AdoptedBench(Bench):
    """`home` is the store itself; `store` reads and publishes at `places`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.places = MemoryPlaces()
        self.home = self.store
        self.store = adopting(self.home, lambda: self.places)
        self.engine = self.runner("one")

    def record(self, name: str = "video/upload/prod") -> Record:
        return replace(super().record(name), location=self.places.pinned(URL))

    def add(self, name: str = "video/upload/prod") -> tuple[TokenId, Made]:
        made = self.world.create(f"hand-made-{name}")
        self.places.put(URL, **OTHERS, token=made.value)
        value = Value.of(made.value)
        record = replace(self.record(name), provider_id="" if self.guided else made.id, label=made.label)
        return self.engine.add(record, value, seen=self.provider.probe(value, DRIVE)).id, made

    def adopt(self) -> tuple[TokenId, str]:
        token, made = self.add()
        return token, made.value

    @property
    def there(self) -> object:
        return self.places.fields(URL)["token"]

    def alive(self, value: object) -> bool:
        made = self.world.of_value(str(value))
        return made is not None and self.world.alive(made)
