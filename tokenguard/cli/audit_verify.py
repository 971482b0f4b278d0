"""`audit verify`: recompute every chain against the records, and check every row of the store."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, runtime_checkable

from tokenguard.audit.chain import Checked, check_all
from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import Tampered
from tokenguard.ports.store import Store
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.adopted import home_of
from tokenguard.text import counted


class Problem(Protocol):
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

    def check(self) -> Iterable[Problem]:
        """Everything that does not hold."""
        ...


class Watch(Protocol):
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
    def watch(self) -> Watch:
        """How long it has had one."""
        ...


def problems_of(store: Store) -> Iterable[Problem]:
    """What a store that can verify itself finds wrong; nothing for one that cannot."""
    home = home_of(store)  # from Python 3.12 on, a protocol does not see what an object only passes on
    return home.check() if isinstance(home, Checkable) else ()


def what_then(store: Store) -> str:
    """What to do with a store that does not hold."""
    restore = "tokenguard store restore FILE" if isinstance(home_of(store), Watched) else ""
    return f"keep a copy of the store as evidence, then restore it from a backup{restore and f': {restore}'}"


def watch_of(store: Store) -> Watch | None:
    """How long this machine has had an anchor of the store; None for a store that has none."""
    home = home_of(store)
    return home.watch if isinstance(home, Watched) else None


def _anchor(watch: Watch | None) -> dict[str, object]:
    if watch is None:
        return {}
    return {"anchor": {"since": watch.since.isoformat() if watch.since else None, "begun_now": watch.begun}}


@command("verify")
@pass_wiring
def verify(wiring: Wiring) -> None:
    """Recompute the audit chains and check the whole store. Exit 6 names the first thing that does not hold."""
    store = wiring.store
    checked: list[Checked] = []
    for chain in check_all(store):
        checked.append(chain)
        if chain.broken is not None:
            raise Tampered(
                f"the audit trail of {chain.whose} does not hold at entry {chain.broken.seq}: {chain.broken.reason}",
                hint=what_then(store),
            )
    for problem in problems_of(store):
        raise Tampered(
            f"the store does not hold ({problem.where}): {problem.what}",
            hint=problem.hint,
        )
    for chain in checked:
        if not chain.entries:
            wiring.progress.note(f"{chain.whose} was published before such things had a trail: publish it again")
    entries = sum(chain.entries for chain in checked)
    watch = watch_of(store)
    if watch is not None and watch.begun:
        wiring.progress.note(
            "there was no anchor on this machine: an older copy of the store could not be noticed until now"
        )
    if wiring.screen.as_json:
        wiring.screen.document({"ok": True, "chains": len(checked), "entries": entries, **_anchor(watch)})
    else:
        held = counted(entries, "entry", "entries")
        wiring.screen.line(
            f"{held} in {counted(len(checked), 'chain')} {'holds' if entries == 1 else 'hold'}, and so does the store"
        )
