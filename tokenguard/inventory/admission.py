"""Adds a token to the inventory: the checks before, and records without a value."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Event, Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.journal import Mode
from tokenguard.domain.liveness import Observation
from tokenguard.domain.lookalikes import holds_issued, holds_opaque, possible_values
from tokenguard.domain.names import TokenId, TokenName, new_token_id
from tokenguard.domain.secret import Value
from tokenguard.domain.shape import check_value
from tokenguard.domain.token import Consumer, ConsumerKind, Location, Record, RecordState
from tokenguard.errors import InputError, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory.record_changes import plain_text
from tokenguard.policy.model import age_starts_at
from tokenguard.ports.clock import Clock
from tokenguard.ports.external_fields import ExternalFields, nothing_there
from tokenguard.ports.store import Store, holders_of


class Custodian(Protocol):
    """Stores and delivers values: implemented by the rotation engine."""

    def add(self, record: Record, value: Value, *, seen: Observation | None, reason: str = "") -> Snapshot:
        """Store a value and deliver it."""
        ...

    def resume(self, token: TokenId) -> Snapshot:
        """Go on with an open operation."""
        ...

    def abort(self, token: TokenId) -> Snapshot:
        """Undo an open operation."""
        ...


def holder_of(store: Store, fingerprint: Fingerprint, *, besides: TokenName | None = None) -> TokenName | None:
    """Which token other than `besides` knows this value already, as its live, old or rejected one."""
    names = (each.document.record.name for each in holders_of(store, fingerprint))
    return next((name for name in names if name != besides), None)


def refuse_known_values(
    texts: Iterable[tuple[str, str]],
    known: Callable[[Value], TokenName | None],
) -> None:
    """InputError if a text that is kept and shown holds a value of the inventory, of any form.

    Args:
        texts: each with what errors call it, as `RecordChanges.texts` gives them.
        known: whose a value is; None if it is of no token.
    """
    for what, text in texts:
        if what == "consumers" and not text.startswith(f"{ConsumerKind.PERSON}:"):
            continue
        holder = next((name for each in possible_values(text) if (name := known(Value.of(each))) is not None), None)
        if holder is not None:
            raise InputError(
                f"the {what.replace('_', ' ')} must not contain the value of {holder}",
                hint=f"name the token, not its value; if it was seen: tokenguard rotate {holder} --compromised",
            )


def checked_text(store: Store, text: str, *, what: str) -> str:
    """One plain line that is kept, such as a reason; InputError if it is none or holds a value of the store."""
    line = plain_text(text, what=what)
    refuse_known_values([(what, line)], known_by(store))
    return line


def checked_if_readable(store: Store, text: str, *, what: str) -> str:
    """As `checked_text`; for a login that may not read fingerprints, values are recognised by their form only."""
    try:
        return checked_text(store, text, what=what)
    except Unreachable:
        line = plain_text(text, what=what)
    if holds_issued(line) or holds_opaque(line):
        raise InputError(f"the {what} looks like a token value", hint="name the token, not its value")
    return line


def known_by(store: Store) -> Callable[[Value], TokenName | None]:
    """Says whose a value is, with a request for each."""
    return lambda value: holder_of(store, store.fingerprint(value))


class KnownValue(NamedTuple):
    """Whose a value is."""

    name: TokenName
    live: bool
    """False for one that was replaced, rejected or retired."""


def known_values(inventory: Iterable[Snapshot]) -> dict[Fingerprint, KnownValue]:
    """All values that tokens know; the one of an addition that was interrupted is not known yet."""
    found: dict[Fingerprint, KnownValue] = {}
    for snapshot in inventory:
        record = snapshot.document.record
        live = record.fingerprint if record.state is not RecordState.RETIRED else None
        if live is not None:
            found[live] = KnownValue(record.name, live=True)
        if not is_being_added(snapshot.document) and record.state is not RecordState.PENDING:
            for each in snapshot.document.fingerprints - {live}:
                found.setdefault(each, KnownValue(record.name, live=False))
    return found


def is_taken(document: Document) -> bool:
    """Whether no other token may have its name; one that a crash left half-made may be made again."""
    return not is_being_added(document) and document.record.state is not RecordState.PENDING


def name_exists(name: TokenName) -> InputError:
    """The error for a name that is taken."""
    return InputError(
        f"there is already a token named {name}",
        hint=f"choose another name, or see `tokenguard show {name}`, or `tokenguard rotate {name}`",
    )


def check_name_is_free(store: Store, name: TokenName) -> None:
    """InputError if a token of that name exists; one that a crash left half-made does not count."""
    existing = store.find(name)
    if existing is not None and is_taken(existing.document):
        raise name_exists(name)


def take(
    store: Store, custodian: Custodian, record: Record, value: Value, seen: Observation | None, *, reason: str = ""
) -> Snapshot:
    """Store a value, also after an earlier interrupted attempt.

    Args:
        store: where it goes.
        custodian: moves the value.
        record: what is known of the token.
        value: checked before.
        seen: what the provider said of it; None if it was not asked.
        reason: what the audit trail says it is done for.

    Raises:
        InputError: the name is taken.
        Unfinished: a new value is being made under that name, which is another operation.
    """
    existing = store.find(record.name)
    if existing is not None and existing.document.busy and existing.document.journal is not None:
        if existing.document.journal.mode is not Mode.ADD:
            raise Unfinished(
                f"an operation on {record.name} is open", hint=f"tokenguard rotate {record.name} --resume, or --abort"
            )
        custodian.abort(existing.id)
    return custodian.add(record, value, seen=seen, reason=reason)


def add_without_value(store: Store, clock: Clock, record: Record) -> Snapshot:
    """Add a token whose value is not in the store: an OAuth grant, or a secret that cannot be read back."""
    check_name_is_free(store, record.name)
    now = clock.now()
    state = RecordState.UNCLAIMED if record.missing else RecordState.ACTIVE
    document = Document(record=replace(record, state=state, added_at=now))
    event = Event(at=now, op=Op.ADD, actor=store.actor(), name=record.name, detail={"result": "without-value"})
    return store.commit(new_token_id(), 0, document, [event])


def check_place_is_free(store: Store, location: Location, *, besides: TokenName | None = None) -> None:
    """Raise InputError if another token has adopted the field: both would overwrite each other."""
    for snapshot in store.scan():
        record = snapshot.document.record
        if record.location == location and record.state is not RecordState.RETIRED and record.name != besides:
            raise InputError(
                f"{location.url} is adopted already, as {record.name}",
                hint=f"see `tokenguard show {record.name}`, or `tokenguard retire {record.name}` first",
            )


def places_taken(store: Store) -> dict[str, TokenName]:
    """Where values of tokens are, or are delivered to, with whose they are."""
    documents = (snapshot.document for snapshot in store.scan())
    return {place: each.record.name for each in documents if not each.moved_to for place in each.record.places}


def check_consumers_are_free(taken: Mapping[str, TokenName], consumers: Iterable[Consumer], *, of: TokenName) -> None:
    """InputError if another token's value goes to one of them: each delivery would overwrite it."""
    for consumer in consumers:
        holder = of if consumer.kind.takes_many else taken.get(str(consumer), of)
        if holder != of:
            raise InputError(
                f"{consumer} already receives the value of {holder}",
                hint=f"give each token its own place; `tokenguard edit {holder} --deliver TARGET` frees this one",
            )


def pinned(
    places: Callable[[], ExternalFields], consumers: Iterable[Consumer], *, known: Iterable[Consumer] = ()
) -> tuple[Consumer, ...]:
    """The consumers, those that are fields on the server that this machine is set to use.

    Args:
        places: called if there are any.
        consumers: as they were declared.
        known: those on record, which stay where they are if that is a server of this machine's.

    Raises:
        InputError: the configuration names no server for one of them.
    """
    known = tuple(known)
    return tuple(each.pinned(places().servers(each.kind), known) if each.kind.is_field else each for each in consumers)


def value_at(places: ExternalFields, location: Location) -> Value:
    """The value at an adopted place; InputError if there is none, or it cannot be a token's."""
    place = places.of(location)
    held = place.read()
    if held is None:
        raise nothing_there(place, location.url, hint="check path and name, including upper and lower case")
    if held.ending is not None:
        raise InputError(held.ending.message, hint=held.ending.hint)
    try:
        return Value.of(check_value(held.text.reveal()))
    except InputError as error:
        raise InputError(
            f"{error.message}: {location.url}",
            hint="correct it there: only the token, without text before or after it",
        ) from None


def declare_consumers(store: Store, clock: Clock, snapshot: Snapshot, consumers: tuple[Consumer, ...]) -> Snapshot:
    """Record the consumers found to hold the value of a token without declared consumers."""
    record = snapshot.document.record
    if not consumers or record.consumers is not None or record.state is not RecordState.UNCLAIMED:
        return snapshot
    event = Event(
        at=clock.now(), op=Op.IMPORT, actor=store.actor(), name=record.name, detail={"consumers": len(consumers)}
    )
    document = replace(snapshot.document, record=replace(record, consumers=consumers))
    return store.commit(snapshot.id, snapshot.version, document, [event])


def learn_age(store: Store, clock: Clock, snapshot: Snapshot, created_at: datetime | None) -> Snapshot:
    """Record when the live value was made, where its age was unknown; what is on record already stays."""
    record = snapshot.document.record
    known = age_starts_at(record) is not None or record.state is RecordState.RETIRED or snapshot.document.busy
    if created_at is None or known or created_at > clock.now():
        return snapshot
    event = Event(at=clock.now(), op=Op.EDIT, actor=store.actor(), name=record.name, detail={"fields": "created_at"})
    document = replace(snapshot.document, record=replace(record, created_at=created_at))
    return store.commit(snapshot.id, snapshot.version, document, [event])


def is_being_added(document: Document) -> bool:
    """Whether the open operation is the one that took the value in."""
    return document.busy and document.journal is not None and document.journal.mode is Mode.ADD
