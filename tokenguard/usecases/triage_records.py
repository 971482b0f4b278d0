"""The use case of `triage`: finds incomplete records with suggestions, and records what a person answers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tokenguard.delivery.delivery_registry import parse_consumer
from tokenguard.domain.document import Snapshot
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import InputError, Tampered, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.inventory.record_table import NO_CONSUMERS
from tokenguard.inventory.suggestions import MissingFact, Neighbours, lacking
from tokenguard.inventory.verification import verify
from tokenguard.ports.delivery import Holds
from tokenguard.rotation.sampling import Controls
from tokenguard.usecases.edit_token import EditTokenParts, edit_record
from tokenguard.usecases.given_facts import changes_from
from tokenguard.usecases.parts import HasStore

_OPTION = {"created_at": "created"}


class IncompleteRecord(Frozen, frozen=True, kw_only=True):
    """A record with what it lacks."""

    snapshot: Snapshot
    facts: tuple[MissingFact, ...]


def incomplete_records(parts: HasStore, wanted: Sequence[Snapshot]) -> list[IncompleteRecord]:
    """Those of the tokens that lack something, unclaimed ones first; neither a provider nor a consumer is asked."""
    neighbours = _neighbours(parts)
    found = [
        IncompleteRecord(snapshot=each, facts=neighbours.missing(record, consumer=_existing(record)))
        for each in wanted
        if lacking(record := each.document.record) and not each.document.moved_to
    ]
    return sorted(found, key=_rank)


def looked_up(parts: EditTokenParts, each: IncompleteRecord) -> IncompleteRecord:
    """The record with what its provider and the line that it was imported from say now, and with newer neighbours."""
    snapshot = parts.store.load(each.snapshot.id)
    record = snapshot.document.record
    if "scope" in lacking(record) and record.seen is None:
        controls = Controls(parts.store, parts.vendors, parts.clock)
        try:
            verify(parts.store, parts.clock, parts.vendors.provider_of, snapshot, controlled=controls.hold)
        except Tampered:
            raise
        except TokenguardError as error:
            parts.progress.note(f"{record.name}: {error.message}; {error.hint}")
        snapshot = parts.store.load(each.snapshot.id)
        record = snapshot.document.record
    consumer = record.imported_from if _still_there(parts, snapshot) else ""
    return IncompleteRecord(snapshot=snapshot, facts=_neighbours(parts).missing(record, consumer=consumer))


def checked_answer(column: str, text: str) -> Mapping[str, object]:
    """An answer as an option of `edit`; InputError if it cannot be one."""
    if column == "consumers":
        targets = tuple(part.strip() for part in text.split(";") if part.strip())
        given: dict[str, object] = {"no_consumers": True} if targets == (NO_CONSUMERS,) else {"deliver": targets}
    else:
        given = {_OPTION.get(column, column): text}
    changes_from(dict(given))
    return given


def record_answers(parts: EditTokenParts, snapshot: Snapshot, given: Mapping[str, object]) -> Snapshot:
    """Commit the answers for one record, with one audit event; raises as `edit_record` does."""
    return edit_record(parts, snapshot.document.record.name, changes_from(dict(given)), confirmed=True)


def _neighbours(parts: HasStore) -> Neighbours:
    return Neighbours(each.document.record for each in parts.store.scan())


def _existing(record: Record) -> str:
    """The line that it was imported from, unless its file is gone: an export that was deleted is no consumer."""
    path = record.imported_from.rpartition("#")[0].partition(":")[2]
    return record.imported_from if path and Path(path).exists() else ""


def _rank(each: IncompleteRecord) -> tuple[bool, str]:
    record = each.snapshot.document.record
    return record.state is not RecordState.UNCLAIMED, record.name


def _still_there(parts: EditTokenParts, snapshot: Snapshot) -> bool:
    """Whether the line that it was imported from still has the live value, and could get the next one."""
    record = snapshot.document.record
    if not record.imported_from or "consumers" not in lacking(record):
        return False
    with suppress(InputError):
        consumer = parse_consumer(record.imported_from, base=Path("/"))
        delivery, live = parts.deliveries.of(consumer), parts.store.read_live(snapshot.id)
        if delivery is None or live is None:
            return False
        delivery.check(consumer)
        return delivery.verify(consumer, live.value) is Holds.THIS
    return False


def triage_order(found: Sequence[IncompleteRecord]) -> Iterator[tuple[str, IncompleteRecord]]:
    """Each with its place: `2 of 5`."""
    yield from ((f"{number} of {len(found)}", each) for number, each in enumerate(found, 1))
