"""The values of an inventory that a bundle must know: what is live, what may be, and what is proven to open nothing.

Unknown is neither dead nor alive, so a value counts as live until its death is proven, even if it is not published.
"""

from collections.abc import Iterator, Mapping

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.journal import AttemptState
from tokenguard.domain.liveness import DeathProof
from tokenguard.domain.names import Label, TokenId, TokenName
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import LeakWaiver, RecordState
from tokenguard.frozen import Frozen
from tokenguard.ports.store import FieldState, HeldValues, Store


class InventoryValue(Frozen, frozen=True):
    """One field of one value."""

    token: TokenId
    name: TokenName
    field: str
    value: Secret
    revoked_on: str = ""
    """ISO date of the proof that it opens nothing; empty: it opens something, or may."""


class ValueStatus(Frozen, frozen=True):
    """The status of a token's former values that are no longer stored."""

    busy: bool
    """An operation is open: nothing of it is proven dead."""
    waiver: LeakWaiver | None


class InventoryValues(Frozen, frozen=True):
    """Everything that a publication needs of a store."""

    known: tuple[InventoryValue, ...]
    tokens: Mapping[TokenId, ValueStatus]


def read_inventory(store: Store) -> InventoryValues:
    """Read all values that the store still holds; Unreachable or Tampered as the store says."""
    known: list[InventoryValue] = []
    tokens: dict[TokenId, ValueStatus] = {}
    for snapshot, held in store.holdings():
        document = snapshot.document
        tokens[snapshot.id] = ValueStatus(document.busy, document.record.waived_leak)
        for value, revoked_on in values_of(held, snapshot):
            known += _fields(snapshot.id, document.record.name, value, revoked_on)
    return InventoryValues(tuple(known), tokens)


def values_of(held: HeldValues, snapshot: Snapshot) -> Iterator[tuple[Value, str]]:
    """The values of a token that the store still holds, each with the day of its proven death; empty: it may live."""
    others = dict(_others(snapshot.document))
    live = held.live() if snapshot.document.record.state is not RecordState.RETIRED else None
    if live is not None:
        yield live.value, others.pop(live.label, "")
        if (
            live.found is FieldState.DIFFERENT
        ):  # a stranger's value is where ours was adopted; ours may live all the same
            others[live.label] = ""
    for label, revoked_on in others.items():
        content = held.candidate(label)
        if isinstance(content, Value):
            yield content, revoked_on


def _others(document: Document) -> Iterator[tuple[Label, str]]:
    """Labels whose values are kept besides the live one, each with the day of its proven death."""
    for kept in document.quarantine:
        yield kept.label, "" if kept.alive_again else _day(kept.proof)
    journal = document.journal
    if journal is None or not document.busy:
        return
    for attempt in journal.attempts:
        if attempt.state is not AttemptState.GONE:
            yield attempt.label, ""
    if journal.old is not None:
        yield journal.old.label, _day(journal.proof)


def _fields(token: TokenId, name: TokenName, value: Value, revoked_on: str) -> Iterator[InventoryValue]:
    for field in value.names:
        yield InventoryValue(token, name, field, value.field(field), revoked_on)


def _day(proof: DeathProof | None) -> str:
    return proof.last_at.date().isoformat() if proof and proof.proven else ""
