"""Migrates a whole store: begins at both stores, copies and verifies every token, then commits at one point.

That point is the tombstone of the store that is left: before it a move can be taken back, after it only finished. The
new home opens after that, so that at no instant two stores are live.
"""

import secrets
from datetime import timedelta

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.migration_status import Move, MoveStage, plain_address, refusal
from tokenguard.errors import InputError, Unreachable
from tokenguard.frozen import replace
from tokenguard.migration.copy_shared_items import copy_shared_items
from tokenguard.migration.copy_token import Ends, copy_token
from tokenguard.ports.clock import Clock
from tokenguard.ports.operator import Progress
from tokenguard.ports.shared_item import Item, shared_items_of
from tokenguard.ports.store import Store
from tokenguard.text import pluralize

_PASSES = 20


def check_ends(source: Store, target: Store) -> None:
    """Check that a migration between two stores is possible; no effect.

    Raises:
        InputError: they are the same store, or the target holds something that is not of this move.
        Moved: one of them is an end of another move.
    """
    if source.store_id == target.store_id or source.url == target.url:
        raise InputError("the new store is the store itself", hint="name another one with --to")
    here, there = source.move(), target.move()
    if here is not None and here.stage in {MoveStage.LEAVING, MoveStage.LEFT} and here.other_id == target.store_id:
        if there is not None and there.id == here.id and there.stage in {MoveStage.ARRIVING, MoveStage.ARRIVED}:
            return
    elif (refused := refusal(here, source.url)) is not None:
        raise refused
    arriving = there is not None and there.stage is MoveStage.ARRIVING and there.other_id == source.store_id
    if not arriving and (refused := refusal(there, target.url)) is not None:
        raise refused
    if next(iter(target.scan()), None) is not None or any(map(shared_items_of(target).read, Item)):
        raise InputError(
            f"the store at {target.url} is not empty",
            hint="create an empty one for this with `tokenguard --store URL init`, then `migrate --to URL`",
        )


def has_moved(source: Store, target: Store) -> bool:
    """Whether the migration is already complete."""
    here, there = source.move(), target.move()
    return here is not None and here.stage is MoveStage.LEFT and there is not None and there.stage is MoveStage.ARRIVED


def move_store(
    source: Store, target: Store, clock: Clock, progress: Progress, *, lag: timedelta, approved: Detail | None = None
) -> None:
    """Migrate everything. Idempotent: after a crash it continues where it stopped.

    Args:
        source: the store that is left; nothing advances there from the first step on.
        target: an empty store, or this move's own.
        clock: dates the events, and waits out the lag.
        progress: is told what is durably true.
        lag: how long a token that was just made may be missing from the source's listing.
        approved: what the first event says of the approval of a second person.

    Raises:
        InputError, Moved: `check_ends`.
        Conflict: another writer began or ended a migration meanwhile.
        Tampered: an audit trail does not verify, or another writer changed the target.
        Unreachable: a store does not answer; run it again.
    """
    check_ends(source, target)
    leaving = _begin(source, target, clock, approved or {})
    ends = Ends(source=source, target=target, clock=clock, move=leaving.id)
    if leaving.stage is MoveStage.LEAVING:
        _copy_all(ends, leaving, progress, lag)
        copy_shared_items(ends, progress)
        _leave_for_good(ends, leaving)
        progress.step(f"{source.url} now refers to the new store")
    _open_target(ends)


def abort_move(source: Store, clock: Clock, progress: Progress) -> int:
    """Abort a migration before its commit point; the store stays in use. Returns the number of tokens unmarked.

    Raises:
        InputError: there is nothing to undo, or it is too late.
    """
    move = source.move()
    if move is not None and move.stage is MoveStage.LEFT:
        raise InputError(
            f"the migration of this store to {plain_address(move.other)} is complete",
            hint="to return, migrate from that store to a new, empty one",
        )
    if move is not None and move.stage is MoveStage.ARRIVING:
        raise InputError(
            f"this store is the target of an unfinished migration from {plain_address(move.other)}",
            hint="abort it on that store: give its address with --store",
        )
    marked = [snapshot for snapshot in source.scan() if snapshot.document.moved_to]
    leaving = move is not None and move.stage is MoveStage.LEAVING
    if not marked and not leaving:
        raise InputError("no migration of this store is in progress", hint="there is nothing to undo")
    for snapshot in marked:
        back = _event(source, clock, Phase.FACT, {"move": move.id if move else "", "result": "given-up"}, snapshot)
        source.commit(snapshot.id, snapshot.version, replace(snapshot.document, moved_to=""), [back])
    if leaving and move is not None:
        detail: Detail = {"move": move.id, "to": move.other, "result": "given-up"}
        source.put_move(move, None, [_event(source, clock, Phase.OUTCOME, detail)])
    progress.step(f"{source.url} is used as before")
    return len(marked)


def _begin(source: Store, target: Store, clock: Clock, approved: Detail) -> Move:
    """Say at both ends that a move is under way, the new home first: it is refused there before this one is closed."""
    here, there = source.move(), target.move()
    if here is not None and here.stage is MoveStage.LEFT:
        return here
    begun = here is not None and here.stage is MoveStage.LEAVING
    awaited = there is not None and there.stage is MoveStage.ARRIVING
    leaving = here if here is not None and begun else _new_move(target, clock, there.id if there and awaited else "")
    if there is None or not awaited or there.id != leaving.id:
        arriving = replace(leaving, stage=MoveStage.ARRIVING, other=source.url, other_id=source.store_id)
        detail: Detail = {"move": leaving.id, "from": source.url}
        target.put_move(there, arriving, [_event(target, clock, Phase.INTENT, detail)])
        there = arriving
    if not begun:
        detail = {"move": leaving.id, "to": target.url, **approved}
        source.put_move(here, leaving, [_event(source, clock, Phase.INTENT, detail)])
        target.put_move(there, there, ())  # fails if another migration has begun meanwhile
    if target.fingerprint_key() != source.fingerprint_key():
        target.take_fingerprint_key(source.fingerprint_key())
    return leaving


def _new_move(target: Store, clock: Clock, awaited: str) -> Move:
    """A move to the target; the one that is `awaited` there, if it was interrupted before this store knew of it."""
    return Move(
        id=awaited or secrets.token_hex(16),
        stage=MoveStage.LEAVING,
        other=target.url,
        other_id=target.store_id,
        since=clock.now(),
    )


def _copy_all(ends: Ends, leaving: Move, progress: Progress, lag: timedelta) -> None:
    """Copy every token; then once more what a listing that lags did not show, and what was made at the last moment."""
    done = _copied(ends, list(ends.source.scan()), progress)
    rest = (leaving.since + lag - ends.clock.now()).total_seconds()
    if rest > 0:
        progress.waiting(f"a listing may be {lag.total_seconds():.0f} s old: waiting until it shows every token")
        ends.clock.sleep(rest)
    for _ in range(_PASSES):
        more = [snapshot for snapshot in ends.source.scan() if snapshot.id not in done]
        if not more:
            progress.step(f"{pluralize(len(done), 'token')} copied to {ends.target.url}, and read back equal")
            return
        done |= _copied(ends, more, progress)
    raise Unreachable(
        "new tokens are still added to the source store",
        hint="stop the program that adds them, then run the command again",
    )


def _copied(ends: Ends, snapshots: list[Snapshot], progress: Progress) -> set[str]:
    told = max(len(snapshots) // 100, 1)  # a log of a large store stays readable
    for number, snapshot in enumerate(snapshots, 1):
        if number % told == 0:
            progress.waiting(f"{number} of {len(snapshots)}: {snapshot.document.record.name}")
        copy_token(ends, snapshot)
    return {snapshot.id for snapshot in snapshots}


def _leave_for_good(ends: Ends, leaving: Move) -> None:
    """Commit the migration after a last check of both stores."""
    arrived = {snapshot.id: snapshot.document.chain.seq for snapshot in ends.target.scan()}
    left = {snapshot.id: snapshot.document for snapshot in ends.source.scan()}
    # what has moved ends at the source with the word that it did; the target has that, and the word that it is equal
    missing = [document for token, document in left.items() if arrived.get(token) != document.chain.seq + 1]
    if missing:
        raise Unreachable(
            f"the new store does not list {missing[0].record.name} as it was copied",
            hint="check the new store with `tokenguard doctor`, then run the command again",
        )
    detail: Detail = {"move": leaving.id, "to": leaving.other, "tokens": len(left), "result": "moved"}
    event = _event(ends.source, ends.clock, Phase.OUTCOME, detail)
    ends.source.put_move(leaving, replace(leaving, stage=MoveStage.LEFT), [event])


def _open_target(ends: Ends) -> None:
    there = ends.target.move()
    if there is not None and there.stage is MoveStage.ARRIVING:
        detail: Detail = {"move": ends.move, "from": ends.source.url, "result": "moved"}
        event = _event(ends.target, ends.clock, Phase.OUTCOME, detail)
        ends.target.put_move(there, replace(there, stage=MoveStage.ARRIVED), [event])


def _event(store: Store, clock: Clock, phase: Phase, detail: Detail, snapshot: Snapshot | None = None) -> Event:
    name = snapshot.document.record.name if snapshot else None
    return Event(at=clock.now(), op=Op.MIGRATE, phase=phase, actor=store.actor(), name=name, detail=detail)
