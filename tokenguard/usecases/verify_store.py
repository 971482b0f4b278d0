"""Integrity problems of a self-verifying store, times that cannot be right, and since when rollbacks are detected."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol, runtime_checkable

from tokenguard.audit.chain import Checked, Trails, check_all
from tokenguard.audit.dated_ahead import dated_ahead
from tokenguard.audit.references import References
from tokenguard.domain.document import Snapshot
from tokenguard.ports.clock import is_behind
from tokenguard.ports.store import Store, underlying_store


class AuditProblem(Protocol):
    """An integrity problem."""

    @property
    def where(self) -> str:
        """The affected part of the store."""
        ...

    @property
    def what(self) -> str:
        """The problem."""
        ...

    @property
    def hint(self) -> str:
        """How to fix it."""
        ...


@runtime_checkable
class Checkable(Protocol):
    """A store that can verify more than its audit chains."""

    def check(self) -> Iterable[AuditProblem]:
        """All integrity problems."""
        ...


@runtime_checkable
class ComparingStore(Protocol):
    """A store that compares what it serves with the records."""

    @property
    def uncompared(self) -> bool:
        """Whether the last check did not, because the login in use may not read values."""
        ...


class StoreExamination(Protocol):
    """What one reading of a store gives."""

    def trails(self) -> Trails:
        """Every token, ordered by name, with its audit entries."""
        ...

    def problems(self) -> Iterable[AuditProblem]:
        """All integrity problems, after the trails."""
        ...


@runtime_checkable
class Examinable(Protocol):
    """A store that verifies everything in one reading."""

    def examine(self) -> StoreExamination:
        """Begin to read it."""
        ...


class AnchorNotes(Protocol):
    """Since when this machine has checked a store for rollbacks."""

    @property
    def since(self) -> datetime | None:
        """None: since before this was recorded."""
        ...

    @property
    def begun(self) -> bool:
        """Since this run."""
        ...


@runtime_checkable
class AnchoredStore(Protocol):
    """A store with an anchor on each machine."""

    @property
    def watch(self) -> AnchorNotes:
        """Since when it has one."""
        ...


def problems_of(store: Store) -> Iterable[AuditProblem]:
    """The problems of a self-verifying store; empty for others."""
    home = underlying_store(store)  # since Python 3.12 protocol checks miss forwarded attributes
    return home.check() if isinstance(home, Checkable) else ()


def wrong_time(checked: Checked, now: datetime) -> str:
    """What is said of a trail with an entry whose time cannot be right; empty if there is none."""
    entry = dated_ahead(checked.trail, now)
    if entry is None:
        return ""
    whose = f" of {entry.event.actor.host}" if entry.event.actor.host else ""
    than = "now" if is_behind(now, entry.event.at) else "a following entry"
    return (
        f"audit trail of {checked.whose}, entry {entry.seq}: its time, {entry.event.at:%Y-%m-%d %H:%M} UTC, is later "
        f"than {than}: the clock{whose} was ahead, or one that wrote later is behind"
    )


def uncompared(store: Store) -> str:
    """What the last check could not do with this login; empty if nothing."""
    home = underlying_store(store)
    unread = isinstance(home, ComparingStore) and home.uncompared
    return "live values were not compared: this login may not read them" if unread else ""


def check_whole(store: Store, inventory: list[Snapshot] | None = None) -> Iterator[Checked | AuditProblem]:
    """Every audit chain, and then all integrity problems, of one reading where the store can do that.

    Args:
        store: the store.
        inventory: takes the tokens as they are read.
    """
    home = underlying_store(store)
    whole = home.examine() if isinstance(home, Examinable) else None
    trails = _noting(store.trails() if whole is None else whole.trails(), [] if inventory is None else inventory)
    references = References()
    for checked in check_all(store, trails):
        references.note(checked)
        yield checked
    yield from references.lacking()
    yield from problems_of(store) if whole is None else whole.problems()


def _noting(trails: Trails, inventory: list[Snapshot]) -> Trails:
    for snapshot, entries in trails:
        inventory.append(snapshot)
        yield snapshot, entries


def fix_for_damage(store: Store) -> str:
    """The fix for a damaged store."""
    restore = "tokenguard store restore FILE" if isinstance(underlying_store(store), AnchoredStore) else ""
    return f"keep a copy of the store as evidence, then restore it from a backup{restore and f': {restore}'}"


def watch_of(store: Store) -> AnchorNotes | None:
    """Since when this machine has an anchor of the store; None for a store without anchors."""
    home = underlying_store(store)
    return home.watch if isinstance(home, AnchoredStore) else None
