"""The use case of `triage`: finds incomplete records with suggestions, and records what a person answers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tokenguard.delivery.delivery_registry import parse_consumer
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import InputError, NotApproved, Tampered, TokenguardError
from tokenguard.frozen import Frozen
from tokenguard.inventory.admission import places_taken
from tokenguard.inventory.record_table import NO_CONSUMERS
from tokenguard.inventory.suggestions import MissingFact, SimilarRecords, lacking
from tokenguard.inventory.verification import verify
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.given_value import value_to_give
from tokenguard.rotation.batch import failure_line
from tokenguard.rotation.sampling import Controls
from tokenguard.usecases.edit_token import edit_record, plan_edit
from tokenguard.usecases.given_facts import changes_from
from tokenguard.usecases.parts import WritesRecords

_OPTION = {"created_at": "created"}


class IncompleteRecord(Frozen, frozen=True, kw_only=True):
    """A record with what it lacks."""

    snapshot: Snapshot
    facts: tuple[MissingFact, ...]


class Triage:
    """What the records of a store lack; the inventory is read once.

    Args:
        parts: what it takes of the process.
        inventory: all tokens, if they were read already.
    """

    def __init__(self, parts: WritesRecords, inventory: Sequence[Snapshot] | None = None) -> None:
        self._parts = parts
        whole = inventory if inventory is not None else parts.store.scan()
        self._neighbours = SimilarRecords(each.document.record for each in whole)
        self._taken: Mapping[str, TokenName] | None = None
        """Which token each place belongs to, as of the last answer that was recorded."""

    def incomplete(self, wanted: Sequence[Snapshot]) -> list[IncompleteRecord]:
        """Those of the tokens that lack something, unclaimed first; neither a provider nor a consumer is asked."""
        found = [
            IncompleteRecord(snapshot=each, facts=self._neighbours.missing(record, consumer=_existing(record)))
            for each in wanted
            if lacking(record := each.document.record) and not each.document.moved_to
        ]
        return sorted(found, key=_rank)

    def looked_up(self, each: IncompleteRecord) -> IncompleteRecord:
        """The record with what its provider and the line that it was imported from say now, and with answers so far."""
        parts, snapshot = self._parts, self._parts.store.load(each.snapshot.id)
        record = snapshot.document.record
        if "scope" in lacking(record) and record.seen is None:
            controls = Controls(parts.store, parts.vendors, parts.clock)
            try:
                verify(parts.store, parts.clock, parts.vendors.provider_of, snapshot, controlled=controls.hold)
            except Tampered:
                raise
            except TokenguardError as error:
                parts.progress.note(failure_line(record.name, error))
            snapshot = parts.store.load(each.snapshot.id)
        self._neighbours.replace(each.snapshot.document.record, snapshot.document.record)
        record = snapshot.document.record
        consumer = record.imported_from if _still_there(parts, snapshot) else ""
        return IncompleteRecord(snapshot=snapshot, facts=self._neighbours.missing(record, consumer=consumer))

    def check(self, snapshot: Snapshot, given: Mapping[str, object], answer: Mapping[str, object]) -> None:
        """InputError if an answer and those before it could not be recorded, so that it is said at the question."""
        if self._taken is None:
            self._taken = places_taken(self._parts.store)
        plan_edit(self._parts, snapshot, changes_from({**given, **answer}), self._taken)

    def record(self, snapshot: Snapshot, given: Mapping[str, object]) -> tuple[str, ...]:
        """Commit the answers for one record, and return the columns that were written.

        What needs no second person is written even if the rest waits for one.

        Raises:
            WaitingAnswers: an approval is missing; it was requested, and says what was written.
            InputError, Unfinished, Conflict: as `edit_record` does.
        """
        held = {key: value for key, value in given.items() if self._waits(snapshot, key, value)}
        free = {key: value for key, value in given.items() if key not in held}
        if free:
            self._commit(snapshot, free)
        if held:
            try:
                self._commit(snapshot, held)
            except NotApproved as error:
                raise WaitingAnswers(tuple(free), tuple(held), error) from None
        return (*free, *held)

    def _waits(self, snapshot: Snapshot, key: str, value: object) -> bool:
        """Whether one answer by itself waits for a second person."""
        second = self._parts.second_person
        edit = plan_edit(self._parts, snapshot, changes_from({key: value}), self._taken)
        return bool(second.lacking(second.changes(snapshot, edit.after)))

    def _commit(self, snapshot: Snapshot, given: Mapping[str, object]) -> None:
        before = snapshot.document.record
        after = edit_record(self._parts, before.name, changes_from(dict(given)), confirmed=True)
        self._neighbours.replace(before, after.document.record)
        self._taken = None


class WaitingAnswers(NotApproved):
    """Some answers wait for the approval of a second person; the others are written."""

    def __init__(self, written: Sequence[str], waiting: Sequence[str], error: NotApproved) -> None:
        super().__init__(error.message, hint=error.hint)
        self.written = tuple(map(column_of, written))
        self.waiting = tuple(map(column_of, waiting))


def column_of(option: str) -> str:
    """The column of an answer that was given as an option of `edit`."""
    return {"created": "created_at", "deliver": "consumers", "no_consumers": "consumers"}.get(option, option)


def checked_answer(column: str, text: str) -> Mapping[str, object]:
    """An answer as an option of `edit`; InputError if it cannot be one."""
    if column == "consumers":
        targets = tuple(part.strip() for part in text.split(";") if part.strip())
        given: dict[str, object] = {"no_consumers": True} if targets == (NO_CONSUMERS,) else {"deliver": targets}
    else:
        given = {_OPTION.get(column, column): text}
    changes_from(dict(given))
    return given


def _existing(record: Record) -> str:
    """The line that it was imported from, if its file still exists: a deleted export is not a consumer."""
    path = record.imported_from.rpartition("#")[0].partition(":")[2]
    return record.imported_from if path and Path(path).exists() else ""


def _rank(each: IncompleteRecord) -> tuple[bool, str]:
    record = each.snapshot.document.record
    return record.state is not RecordState.UNCLAIMED, record.name


def _still_there(parts: WritesRecords, snapshot: Snapshot) -> bool:
    """Whether the line that it was imported from still has the live value, and could get the next one."""
    record = snapshot.document.record
    if not record.imported_from or "consumers" not in lacking(record):
        return False
    with suppress(InputError):
        consumer = parse_consumer(record.imported_from, base=Path("/"))
        delivery, live = parts.deliveries.of(consumer), value_to_give(parts.store, snapshot)
        if delivery is None or live is None:
            return False
        delivery.check(consumer)
        return delivery.verify(consumer, live.value) is ConsumerVerdict.EXPECTED
    return False


def triage_order(found: Sequence[IncompleteRecord]) -> Iterator[tuple[str, IncompleteRecord]]:
    """Each with its place: `2 of 5`."""
    yield from ((f"{number} of {len(found)}", each) for number, each in enumerate(found, 1))
