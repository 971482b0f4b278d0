"""Whether an operation that is open still has its runner."""

import os
from datetime import timedelta

from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Journal
from tokenguard.ports.provider import Capabilities
from tokenguard.rotation.lease import is_gone
from tokenguard.shell.wiring import Wiring

_SILENCE = timedelta(minutes=2)
"""How long a runner elsewhere may write nothing, beyond what a step of the provider takes, before it counts as gone."""
_PAUSE = 2.0


def leave_to_its_runner(wiring: Wiring, found: Snapshot, able: Capabilities) -> None:
    """Return when nobody works on the operation any more: it has stopped, its runner is gone, or it is over."""
    patience = _SILENCE + max(able.death_window.length, able.activate_lag)
    while (journal := found.document.journal) is not None and found.document.busy:
        silent = wiring.clock.now() - journal.updated_at
        if journal.waiting_for or silent >= patience or _gone(journal):
            return
        wiring.progress.waiting(f"another runner works on {found.document.record.name}")
        wiring.clock.sleep(_PAUSE)
        found = wiring.store.load(found.id)


def _gone(journal: Journal) -> bool:
    """A process has one runner, and we are it: whoever else held something here has ended."""
    return is_gone(journal.holder) or journal.holder.split("/")[:2] == [os.uname().nodename, str(os.getpid())]
