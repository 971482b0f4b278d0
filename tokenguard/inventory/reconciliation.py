"""Compares the inventory with a provider's list entered by a person, and records the result with date and event."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum, unique

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Detail, Event, Op
from tokenguard.domain.journal import Quarantined
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.provider_listing import ListedRow, Listing
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.domain.token_hint import distinguishes
from tokenguard.errors import Conflict
from tokenguard.frozen import Frozen, replace
from tokenguard.policy.model import age_starts_at
from tokenguard.ports.store import Store

KEPT = 20
"""Strangers that are kept by name; of more, only how many there are."""
_TRIES = 3


@unique
class ListingStatus(StrEnum):
    """What a list says of one token of the inventory."""

    LISTED = "listed"
    RENAMED = "renamed"
    """It is there under another name than the record says."""
    MISSING = "missing"
    """Not listed: revoked, or created in another account or Drive."""
    STILL_LISTED = "still-listed"
    """A value of it that was proven dead, or a token that is retired, is there."""
    AMBIGUOUS = "ambiguous"
    """Another name is there with its hint, which several tokens have, or which shows too little of a value."""
    UNKNOWN = "unknown"
    """It is not there, and neither is any other token in use: it may be the list of another account, or a part."""
    NOT_COMPARABLE = "not-comparable"
    """The record knows neither its name nor its hint at the provider."""


class Compared(Frozen, frozen=True, kw_only=True):
    """One token held against the list."""

    snapshot: Snapshot
    standing: ListingStatus
    row: ListedRow | None = None


class Reconciled(Frozen, frozen=True, kw_only=True):
    """The whole difference."""

    tokens: tuple[Compared, ...]
    strangers: tuple[ListedRow, ...]
    """There, and known to no record: orphans."""
    rows: int

    @property
    def unknown(self) -> bool:
        """Whether it cannot be told of a token if it is gone."""
        return any(each.standing in {ListingStatus.UNKNOWN, ListingStatus.AMBIGUOUS} for each in self.tokens)

    @property
    def agrees(self) -> bool:
        """Whether list and inventory say the same of every token."""
        return not self.strangers and all(each.standing is ListingStatus.LISTED for each in self.tokens)


def in_place(snapshots: Iterable[Snapshot], provider: str, scope: Scope | None) -> list[Snapshot]:
    """The tokens that such a list may hold, retired ones too: of a provider, or of one scope."""
    return [
        each
        for each in snapshots
        if each.document.record.kind.has_value
        and (not provider or each.document.record.provider == provider)
        and (scope is None or each.document.record.scope == scope)
    ]


def compare(snapshots: Sequence[Snapshot], rows: Sequence[ListedRow]) -> Reconciled:
    """Hold the tokens against the list; each line is given to one token at most, the surest match first."""
    lines, found = _EnteredLines(rows), dict[str, Compared]()
    living = [each for each in snapshots if each.document.record.state is not RecordState.RETIRED]
    for snapshot in living:
        if (row := lines.named(snapshot.document.record.label)) is not None:
            found[snapshot.id] = Compared(snapshot=snapshot, standing=ListingStatus.LISTED, row=row)
    shared = Counter(each.document.record.hint for each in living)
    for snapshot in (each for each in living if each.id not in found):
        record = snapshot.document.record
        if not lines.show(record.hint):
            continue
        standing = ListingStatus.RENAMED if record.label else ListingStatus.LISTED
        row = lines.hinted(record.hint) if shared[record.hint] == 1 else None
        found[snapshot.id] = Compared(
            snapshot=snapshot, standing=standing if row is not None else ListingStatus.AMBIGUOUS, row=row
        )
    for snapshot in snapshots:
        for label in _coming(snapshot.document):
            lines.named(label)
        dead = next((row for label in _gone(snapshot.document) if (row := lines.named(label))), None)
        if dead is not None:
            found[snapshot.id] = Compared(snapshot=snapshot, standing=ListingStatus.STILL_LISTED, row=dead)
    control = any(each.standing in {ListingStatus.LISTED, ListingStatus.RENAMED} for each in found.values())
    absent = ListingStatus.MISSING if control or not any(map(_perhaps_alive, living)) else ListingStatus.UNKNOWN
    for snapshot in living:
        record = snapshot.document.record
        standing = absent if record.label or record.hint else ListingStatus.NOT_COMPARABLE
        found.setdefault(snapshot.id, Compared(snapshot=snapshot, standing=standing))
    ordered = tuple(found[each.id] for each in snapshots if each.id in found)
    return Reconciled(tokens=ordered, strangers=lines.left, rows=len(rows))


def keep(store: Store, reconciled: Reconciled, now: datetime) -> list[Compared]:
    """Write the outcome to each token, with its event. Returns those where an operation is open, which keep none."""
    who, busy = store.actor(), []
    for each in reconciled.tokens:
        listing = Listing(
            at=now,
            by=who.id,
            rows=reconciled.rows,
            row=each.row if each.standing in {ListingStatus.LISTED, ListingStatus.RENAMED} else None,
            fingerprint=each.snapshot.document.record.fingerprint,
            strangers=reconciled.strangers[:KEPT],
            unknown=len(reconciled.strangers),
        )
        detail: Detail = {
            "result": each.standing.value, "rows": reconciled.rows, "unknown": len(reconciled.strangers),
        }  # fmt: skip
        event = Event(at=now, op=Op.RECONCILE, actor=who, name=each.snapshot.document.record.name, detail=detail)
        if not _kept(store, each.snapshot, listing, event):
            busy.append(each)
    return busy


def _kept(store: Store, snapshot: Snapshot, listing: Listing, event: Event) -> bool:
    """Whether it was written; an open operation's document belongs to its runner."""
    for attempt in range(_TRIES):
        if snapshot.document.busy:
            return False
        absent = _absent(store, snapshot, listing)
        if absent:
            event = replace(event, detail=event.detail | {"absent": ", ".join(each.provider_label for each in absent)})
        try:
            document = replace(
                snapshot.document,
                record=_with_age(snapshot.document.record, listing),
                listing=listing,
                quarantine=tuple(each for each in snapshot.document.quarantine if each not in absent),
            )
            store.commit(snapshot.id, snapshot.version, document, [event])
        except Conflict:
            if attempt == _TRIES - 1:
                raise
            snapshot = store.load(snapshot.id)
        else:
            return True
    return False


def _absent(store: Store, snapshot: Snapshot, listing: Listing) -> tuple[Quarantined, ...]:
    """The tokens that were only said to be gone, and are not in a list that holds the token in use and nothing unknown.

    An unknown row may be such a token under a mistyped name. Where the value is kept, no list ends it.
    """
    if listing.row is None or listing.unknown:
        return ()
    return tuple(
        each
        for each in snapshot.document.possibly_alive
        if each.provider_label and not isinstance(store.read_candidate(snapshot.id, each.label), Value)
    )


def _perhaps_alive(snapshot: Snapshot) -> bool:
    """Whether the token should be listed as far as is known; one that was last seen dead need not be."""
    seen = snapshot.document.record.seen
    return seen is None or seen.verdict is not Verdict.DEAD


def _with_age(record: Record, listing: Listing) -> Record:
    """The record with the list's date of creation, where its age was unknown."""
    made = listing.row.created_at if listing.row else None
    current = listing.fingerprint == record.fingerprint
    if made is None or made > listing.at or age_starts_at(record) is not None or not current:
        return record
    return replace(record, created_at=made)


class _EnteredLines:
    """The lines of a list, each given away once."""

    def __init__(self, rows: Sequence[ListedRow]) -> None:
        self._rows = dict(enumerate(rows))
        self._labels: defaultdict[str, list[int]] = defaultdict(list)
        self._hints: defaultdict[str, list[int]] = defaultdict(list)
        for place, row in reversed(self._rows.items()):
            self._labels[row.label].append(place)
            self._hints[row.hint].append(place)

    @property
    def left(self) -> tuple[ListedRow, ...]:
        """The rows assigned to no record."""
        return tuple(self._rows.values())

    def named(self, label: str) -> ListedRow | None:
        """The first line of that name."""
        places = self._labels.get(label, []) if label else []
        while places:
            row = self._rows.pop(places.pop(), None)
            if row is not None:
                return row
        return None

    def show(self, hint: str) -> bool:
        """Whether a line that is left has that hint."""
        return bool(hint) and any(place in self._rows for place in self._hints.get(hint, ()))

    def hinted(self, hint: str) -> ListedRow | None:
        """The only line of the whole list with that hint, if the hint tells tokens apart."""
        places = self._hints.get(hint, ())
        return self._rows.pop(places[0], None) if len(places) == 1 and distinguishes(hint) else None


def _coming(document: Document) -> frozenset[str]:
    """Names under which a token of it may be in the list although it is not the live one: an open operation's."""
    journal = document.journal
    if journal is None or journal.stage.ended:
        return frozenset()
    return journal.provider_labels


def _gone(document: Document) -> set[str]:
    """Names of values that are proven dead, or were never to live."""
    names = {item.provider_label for item in document.quarantine}
    if document.journal is not None and document.journal.stage.ended:
        names |= document.journal.provider_labels
    if document.record.state is RecordState.RETIRED:
        names.add(document.record.label)
    else:
        names.discard(document.record.label)
    return names - {""}
