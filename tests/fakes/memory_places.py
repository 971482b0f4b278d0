"""Places in memory: entries of others with fields and versions, which strangers change between two calls."""

from collections.abc import Callable

from tokenguard.domain.field_address import parse_field
from tokenguard.domain.secret import Secret
from tokenguard.domain.token import Consumer, ConsumerKind, Custody, Location
from tokenguard.errors import Conflict, InputError, Unreachable
from tokenguard.ports.external_fields import FieldValue

SERVER = "https://vault.test:8200"


class MemoryPlaces:
    """Implements `ports.places.Places`; `calls` remembers what was asked, `interlude` runs before each write."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[int, dict[str, object]]] = {}
        self.calls: list[str] = []
        self.interlude: Callable[[], None] = lambda: None
        self.denied = False
        self.server = SERVER
        self.others: tuple[str, ...] = ()
        """More nodes of the same server."""

    def put(self, url: str, /, **fields: object) -> None:
        """What a stranger does: a new version of the entry, whatever was there."""
        entry, _, _ = url.partition("#")
        version, _ = self.entries.get(entry, (0, {}))
        self.entries[entry] = (version + 1, dict(fields))

    def change(self, url: str, **fields: object) -> None:
        entry, _, _ = url.partition("#")
        self.put(url, **{**self.entries[entry][1], **fields})

    def remove(self, url: str) -> None:
        self.put(url)

    def fields(self, url: str) -> dict[str, object]:
        return self.entries[url.partition("#")[0]][1]

    def version(self, url: str) -> int:
        return self.entries[url.partition("#")[0]][0]

    def of(self, pinned: Location | Consumer) -> "MemoryPlace":
        if pinned.server not in {self.server, *self.others}:
            raise InputError("pinned elsewhere", hint="edit")
        return MemoryPlace(self, str(pinned) if isinstance(pinned, Consumer) else pinned.url)

    def servers(self, kind: ConsumerKind) -> tuple[str, ...]:
        if not self.server:
            raise InputError("the configuration does not say where", hint="say it")
        return (self.server, *self.others)

    def pinned(self, url: str) -> Location:
        return Location(Custody.ADOPTED, parse_field(url).url, self.server)

    def close(self) -> None:
        pass


class MemoryPlace:
    """One field."""

    def __init__(self, places: MemoryPlaces, url: str) -> None:
        self._places = places
        self._entry, _, self._field = url.partition("#")

    def absence(self) -> None:
        return None

    def read(self) -> FieldValue | None:
        self._ask("read")
        version, fields = self._places.entries.get(self._entry, (0, {}))
        text = fields.get(self._field)
        if text is None:
            return None
        if not isinstance(text, str):
            raise InputError("not text", hint="name another field")
        return FieldValue(Secret(text), str(version))

    def replace(self, expected: str, text: Secret) -> None:
        self._ask("replace")
        self._places.interlude()
        version, fields = self._places.entries.get(self._entry, (0, {}))
        if str(version) != expected or self._field not in fields:
            raise Conflict("the entry has moved on", hint="read it again")
        self._places.entries[self._entry] = (version + 1, {**fields, self._field: text.reveal()})

    def _ask(self, call: str) -> None:
        if self._places.denied:
            raise Unreachable("denied", hint="let the policy have it")
        self._places.calls.append(call)
