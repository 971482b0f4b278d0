"""A store whose adopted records have their live value in an external field.

The underlying store keeps everything else. Its own live entry is the register of the value last written to the field:
it moves first, under the store's pin. Then the place is written, by compare-and-set on a version that was read *before*
the register was looked at once more. So a runner that was overtaken either sees that the register has moved on, or
writes against a version that the newer runner has replaced (docs/adr/0013-adopted-places.md).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, cast

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import ChainedEvent, Event
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.domain.token import Custody, Location
from tokenguard.errors import Conflict, Unfinished
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import ExternalField, ExternalFields, FieldValue, UnexpectedValue
from tokenguard.ports.store import FieldState, HeldValues, Live, Store, StoreWrapper
from tokenguard.stores.held_values import StoredValues

_TRIES = 5


def adopting(underlying: Store, places: Callable[[], ExternalFields]) -> Store:
    """Wrap a store so that adopted records are read and published in place; `places` is called on first use."""
    return cast("Store", _AdoptingStore(underlying, places))  # everything but live values is delegated


class _AdoptingStore(StoreWrapper):
    """Delegates to the underlying store everything that is not defined here."""

    def __init__(self, underlying: Store, places: Callable[[], ExternalFields]) -> None:
        super().__init__(underlying)
        self._make_places = places
        self._located: dict[TokenId, Location] = {}

    @cached_property
    def _places(self) -> ExternalFields:
        return self._make_places()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._underlying, name)

    def close(self) -> None:
        """Close the connections."""
        if "_places" in self.__dict__:
            self._places.close()
        getattr(self._underlying, "close", lambda: None)()

    def find(self, name: TokenName) -> Snapshot | None:
        """As the home store."""
        found = self._underlying.find(name)
        return found and self._seen(found)

    def load(self, token: TokenId) -> Snapshot:
        """As the home store."""
        return self._seen(self._underlying.load(token))

    def scan(self) -> Iterator[Snapshot]:
        """As the home store."""
        return map(self._seen, self._underlying.scan())

    def trails(self) -> Iterator[tuple[Snapshot, Sequence[ChainedEvent]]]:
        """As the home store."""
        return ((self._seen(snapshot), entries) for snapshot, entries in self._underlying.trails())

    def holdings(self) -> Iterator[tuple[Snapshot, HeldValues]]:
        """As the home store; an adopted value is read where it is."""
        for snapshot, held in self._underlying.holdings():
            self._seen(snapshot)
            adopted = snapshot.document.record.location.custody is Custody.ADOPTED
            yield snapshot, StoredValues(cast("Store", self), snapshot.id) if adopted else held

    def commit(self, token: TokenId, expected: int, document: Document, events: Sequence[Event]) -> Snapshot:
        """As the home store."""
        return self._seen(self._underlying.commit(token, expected, document, events))

    def read_live(self, token: TokenId) -> Live | None:
        """Return the field's value with the label of the expected one; None if nothing is live."""
        served = self._underlying.read_live(token)
        place = self._place(token) if served is not None else None
        if served is None or place is None:
            return served
        held = place.read()
        if held is None:
            return replace(served, found=FieldState.MISSING)
        value = Value({TOKEN_FIELD: held.text})
        found = FieldState.EXPECTED if value == served.value else FieldState.DIFFERENT
        return replace(served, value=value, found=found, ending=held.ending is not None)

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        """Publish the candidate in the register, then in the field. A first value is already in the field.

        Raises:
            Conflict: the register is not at `pinned`, or another runner holds the operation.
            UnexpectedValue: the field holds a foreign value; the register has moved, and a retry continues there.
        """
        place = self._place(token)
        if place is None:
            return self._underlying.publish(token, label, pinned)
        before = self._underlying.read_live(token)
        version, moved = self._register(token, label, pinned)
        served = self._underlying.read_live(token)
        if served is None or served.label != label:
            raise _overtaken()
        if before is None:
            self._require_present(token, place, served.value)
        else:
            self._write_through(token, place, served, moved=moved)
        return version

    def _register(self, token: TokenId, label: Label, pinned: int) -> tuple[int, bool]:
        """Return the register's version, and whether this call moved it."""
        try:
            return self._underlying.publish(token, label, pinned), True
        except Conflict:
            served = self._underlying.read_live(token)
            if served is None or (served.label, served.version) != (label, pinned + 1):
                raise
            return served.version, False

    def _require_present(self, token: TokenId, place: ExternalField, value: Value) -> None:
        held = place.read()
        if held is None or Value({TOKEN_FIELD: held.text}) != value:
            raise self._displaced(token)

    def _write_through(self, token: TokenId, place: ExternalField, served: Live, *, moved: bool) -> None:
        """Write the value to the field. If the register has just moved, an equal value is written again.

        Its version has to move as well then: a runner that was overtaken may hold on to the one before.
        """
        for _ in range(_TRIES):
            held = place.read()
            if held is None or not self._ours(token, served, held):
                raise self._displaced(token)
            if not moved and held.text == served.value.token and held.ending is None:
                return
            try:
                place.replace(held.version, served.value.token)
            except Conflict:
                moved = False  # another writer has moved the version
            else:
                return
        raise Unfinished(
            f"{self._located[token].url} is changed repeatedly by another writer",
            hint="find and stop that writer, then resume",
        )

    def _ours(self, token: TokenId, served: Live, held: FieldValue) -> bool:
        """Whether the field's value is one that this operation may replace; Conflict if another runner took over."""
        document, now = self._underlying.load(token).document, self._underlying.read_live(token)
        if document.moved_to or now is None or (now.label, now.version) != (served.label, served.version):
            raise _overtaken()
        known = {document.record.fingerprint, *(document.journal.fingerprints if document.journal else ())}
        return self._underlying.fingerprint(Value({TOKEN_FIELD: held.text})) in known

    def _displaced(self, token: TokenId) -> UnexpectedValue:
        return UnexpectedValue.at(self._located[token].url)

    def _place(self, token: TokenId) -> ExternalField | None:
        if token not in self._located:
            self.load(token)
        location = self._located[token]
        return self._places.of(location) if location.custody is Custody.ADOPTED else None

    def _seen(self, snapshot: Snapshot) -> Snapshot:
        self._located[snapshot.id] = snapshot.document.record.location
        return snapshot


def _overtaken() -> Conflict:
    return Conflict("another runner has continued this operation", hint="see which one with `tokenguard show`")
