"""Waits until the runner of an open operation has finished or is considered dead."""

from typing import Protocol

from tokenguard.domain.document import Snapshot
from tokenguard.ports.provider import Capabilities
from tokenguard.rotation.lease import is_abandoned, is_runner_dead_or_earlier
from tokenguard.usecases.parts import HasClock, HasProgress, HasStore

_PAUSE = 2.0


class WaitForRunnerParts(HasClock, HasProgress, HasStore, Protocol):
    """What this use case takes."""


def wait_for_runner(parts: WaitForRunnerParts, found: Snapshot, able: Capabilities) -> None:
    """Return once the operation has no runner: it has stopped, its runner is dead, or it is done."""
    longest = max(able.death_window.length, able.activate_lag)
    while (journal := found.document.journal) is not None and found.document.busy:
        if is_runner_dead_or_earlier(journal.holder) or is_abandoned(journal, parts.clock.now(), longest_step=longest):
            return
        parts.progress.waiting(f"another runner is working on {found.document.record.name}")
        parts.clock.sleep(_PAUSE)
        found = parts.store.load(found.id)
