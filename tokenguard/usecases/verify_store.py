"""What a store that can verify itself finds wrong, and since when its rollback would be noticed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, runtime_checkable

from tokenguard.ports.store import Store
from tokenguard.shell.wiring import underlying_store


class AuditProblem(Protocol):
    """Something stored that does not hold."""

    @property
    def where(self) -> str:
        """Which part of the store."""
        ...

    @property
    def what(self) -> str:
        """What is wrong with it."""
        ...

    @property
    def hint(self) -> str:
        """What to do about it."""
        ...


@runtime_checkable
class Checkable(Protocol):
    """A store that can verify itself beyond its chains."""

    def check(self) -> Iterable[AuditProblem]:
        """Everything that does not hold."""
        ...


class AnchorNotes(Protocol):
    """Since when this machine notices that a store is put back."""

    @property
    def since(self) -> datetime | None:
        """None: from before such things were written down."""
        ...

    @property
    def begun(self) -> bool:
        """Only since this run."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A store that each machine keeps an anchor of."""

    @property
    def watch(self) -> AnchorNotes:
        """How long it has had one."""
        ...


def problems_of(store: Store) -> Iterable[AuditProblem]:
    """What a store that can verify itself finds wrong; nothing for one that cannot."""
    home = underlying_store(store)  # from Python 3.12 on, a protocol does not see what an object only passes on
    return home.check() if isinstance(home, Checkable) else ()


def what_then(store: Store) -> str:
    """What to do with a store that does not hold."""
    restore = "tokenguard store restore FILE" if isinstance(underlying_store(store), Watched) else ""
    return f"keep a copy of the store as evidence, then restore it from a backup{restore and f': {restore}'}"


def watch_of(store: Store) -> AnchorNotes | None:
    """How long this machine has had an anchor of the store; None for a store that has none."""
    home = underlying_store(store)
    return home.watch if isinstance(home, Watched) else None
