"""Copies one token: fences it at the source, copies it with its audit trail, reads it back and compares."""

from collections.abc import Sequence
from typing import Any

from tokenguard.domain.document import Document, Snapshot, as_written
from tokenguard.domain.event import ChainedEvent, ChainHead, Event, Op, Phase, extend
from tokenguard.domain.journal import Journal
from tokenguard.domain.names import TokenId
from tokenguard.errors import Conflict, Tampered, Unreachable
from tokenguard.frozen import Frozen, replace
from tokenguard.migration.value_slots import close_open_slots, copy_live, copy_slots, labels_of, slot
from tokenguard.ports.clock import Clock
from tokenguard.ports.store import Live, Store, how_to_restore

_TRIES = 5
_EVENTS_AT_ONCE = 64
"""In one commit: some stores keep a document and its latest events in one entry of limited size."""


class Ends(Frozen, frozen=True, kw_only=True):
    """Source, target and migration id."""

    source: Store
    target: Store
    clock: Clock
    move: str
    """The move's id."""


def copy_token(ends: Ends, snapshot: Snapshot) -> None:
    """Copy one token to the target. Idempotent.

    From the first step on, nothing advances the token at the source. A runner that was in the middle of an effect may
    still end it there; then what was read is not what is there any more, and it is copied once more.

    Raises:
        Tampered: the target has another history of the token.
        Unreachable: a store does not answer, or does not give back what was written.
    """
    left = _leave(ends, snapshot)
    close_open_slots(ends.source, left.id, left.document)
    entries = whole_trail(
        left.id, f"token {left.document.record.name}", ends.source.history(left.id), left.document.chain
    )
    for _ in range(_TRIES):
        arrived = _write_to_target(ends, left, entries)
        if arrived.document.chain.seq > len(entries):
            return
        if _equal(ends, left, arrived, entries):
            outcome = _event(ends, left, ends.target, Phase.OUTCOME, **{"from": ends.source.url, "result": "equal"})
            ends.target.commit(arrived.id, arrived.version, arrived.document, [outcome])
            return
    raise Unreachable(
        f"the new store does not return token {left.document.record.name} as it was written",
        hint="check both stores with `tokenguard doctor`, then run the command again",
    )


def _leave(ends: Ends, snapshot: Snapshot) -> Snapshot:
    """Mark the token as moved at the source, which fences every runner there."""
    for _ in range(_TRIES):
        if snapshot.document.moved_to == ends.target.url:
            return snapshot
        marked = replace(snapshot.document, moved_to=ends.target.url)
        intent = _event(ends, snapshot, ends.source, Phase.INTENT, to=ends.target.url)
        try:
            return ends.source.commit(snapshot.id, snapshot.version, marked, [intent])
        except Conflict:
            snapshot = ends.source.load(snapshot.id)  # a runner has changed it meanwhile
    raise Conflict(
        f"{snapshot.document.record.name} is changed repeatedly by another runner",
        hint="wait until that runner ends, or stop it, then run the command again",
    )


def whole_trail(chain: str, whose: str, entries: Sequence[ChainedEvent], head: ChainHead) -> Sequence[ChainedEvent]:
    """The entries of a chain, if its events make them again hash by hash; Tampered otherwise."""
    end, again = extend(chain, ChainHead(), [entry.event for entry in entries])
    if again != tuple(entries) or end != head:
        raise Tampered(
            f"the audit trail of {whose} is broken",
            hint="`tokenguard migrate --abort`, then `tokenguard audit verify` names the entry",
        )
    return entries


def _write_to_target(ends: Ends, left: Snapshot, entries: Sequence[ChainedEvent]) -> Snapshot:
    """The token as it is at the target when everything was written."""
    live = ends.source.read_live(left.id)
    _check_served(ends.source, left, live)
    arrived = _write_trail(ends, left, entries, live)
    if arrived.document.chain.seq > len(entries):
        return arrived  # it was read back and found equal before
    copy_slots(ends.source, ends.target, left.id, labels_of(left.document, entries, live))
    document = at_target(left.document, live, copy_live(ends.target, left.id, live))
    if _plain(arrived.document) != document:
        arrived = ends.target.commit(arrived.id, arrived.version, document, ())
    return arrived


def _check_served(source: Store, left: Snapshot, live: Live | None) -> None:
    """Refuse to carry over a value that the record does not know, such as an earlier one that was put back."""
    document = left.document
    if live is None or document.record.fingerprint is None or document.may_serve(source.fingerprint(live.value)):
        return
    raise Tampered(
        f"the value that the old store serves for {document.record.name} is not the one in use",
        hint=f"{how_to_restore(source, left.id)}; then run the same command again",
    )


def _write_trail(ends: Ends, left: Snapshot, entries: Sequence[ChainedEvent], live: Live | None) -> Snapshot:
    """The document with its events: the same events under the same id make the same chain, hash by hash."""
    document = at_target(left.document, live, 1 if live else 0)
    found = ends.target.find(document.record.name)
    if found is not None:
        _check_same_trail(ends, left.id, found, entries)
    known, version = (found.document.chain.seq, found.version) if found else (0, 0)
    while found is None or known < len(entries):
        events = [entry.event for entry in entries[known : known + _EVENTS_AT_ONCE]]
        found = ends.target.commit(left.id, version, document, events)
        known, version = found.document.chain.seq, found.version
    return found


def _check_same_trail(ends: Ends, token: TokenId, found: Snapshot, entries: Sequence[ChainedEvent]) -> None:
    head = found.document.chain
    ours = entries[head.seq - 1].hash if 0 < head.seq <= len(entries) else ""
    if head.seq == len(entries) + 1:
        last = ends.target.history(token)[-1]
        finished = (last.event.op, last.event.phase) == (Op.MIGRATE, Phase.OUTCOME)
        ours = head.hash if finished and last.event.detail.get("move") == ends.move else ""
    if found.id != token or head.hash != ours:
        raise Tampered(
            f"the new store has a different audit trail for token {found.document.record.name}",
            hint="find out who wrote to it; then run `tokenguard migrate --abort` and migrate to an empty store",
        )


def at_target(document: Document, live: Live | None, version: int) -> Document:
    """Return a token's document for the target, where its live version is `version`.

    An open operation is pinned to a live version: the pins move by as much as the version does, so that what fitted
    fits, and what did not fit never will.
    """
    journal = document.journal
    if journal is not None:
        journal = _pinned(journal, live.version if live else 0, version)
    return _plain(replace(document, moved_to="", journal=journal))


def _pinned(journal: Journal, here: int, there: int) -> Journal:
    def shifted(pin: int) -> int:
        return max(pin - here + there, 0) if pin and here else 0

    old = journal.old
    return replace(
        journal,
        old=replace(old, live_version=shifted(old.live_version)) if old else None,
        vacant_version=shifted(journal.vacant_version),
    )


def _plain(document: Document) -> Document:
    """As this version writes it, without the head of its chain, which belongs to the store."""
    return replace(as_written(document), chain=ChainHead())


def _equal(ends: Ends, left: Snapshot, arrived: Snapshot, entries: Sequence[ChainedEvent]) -> bool:
    """Read everything back: document, trail, every slot, what is live."""
    source, target, token = ends.source, ends.target, left.id
    here, there = source.read_live(token), target.read_live(token)
    same_live = (here and (here.label, here.value.digest())) == (there and (there.label, there.value.digest()))
    document = at_target(left.document, here, there.version if there else 0)
    return (
        same_live
        and _plain(target.load(token).document) == document
        and tuple(target.history(token)) == tuple(entries)
        and arrived.document.chain == left.document.chain
        and all(
            slot(source, token, label) == target.read_candidate(token, label)
            for label in labels_of(left.document, entries, here)
        )
    )


def _event(ends: Ends, snapshot: Snapshot, by: Store, phase: Phase, **detail: Any) -> Event:
    return Event(
        at=ends.clock.now(),
        op=Op.MIGRATE,
        phase=phase,
        actor=by.actor(),
        name=snapshot.document.record.name,
        detail={"move": ends.move, **detail},
    )
