"""Integrity problems of a self-verifying store, and since when its rollback is detected."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, runtime_checkable

from tokenguard.ports.store import Store
from tokenguard.shell.wiring import underlying_store


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


class AnchorNotes(Protocol):
    """Since when this machine detects a rollback of a store."""

    @property
    def since(self) -> datetime | None:
        """None: since before this was recorded."""
        ...

    @property
    def begun(self) -> bool:
        """Since this run."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A store with an anchor on each machine."""

    @property
    def watch(self) -> AnchorNotes:
        """Since when it has one."""
        ...


def problems_of(store: Store) -> Iterable[AuditProblem]:
    """The problems of a self-verifying store; empty for others."""
    home = underlying_store(store)  # since Python 3.12 protocol checks miss forwarded attributes
    return home.check() if isinstance(home, Checkable) else ()


def what_then(store: Store) -> str:
    """The fix for a damaged store."""
    restore = "tokenguard store restore FILE" if isinstance(underlying_store(store), Watched) else ""
    return f"keep a copy of the store as evidence, then restore it from a backup{restore and f': {restore}'}"


def watch_of(store: Store) -> AnchorNotes | None:
    """Since when this machine has an anchor of the store; None for a store without anchors."""
    home = underlying_store(store)
    return home.watch if isinstance(home, Watched) else None
