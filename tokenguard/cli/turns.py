"""Whether an operation that is open still has its runner."""

import os
from contextlib import suppress

from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Journal
from tokenguard.shell.wiring import Wiring

_SILENT_AFTER = 120.0
"""Seconds without a step after which a runner elsewhere counts as gone."""
_PAUSE = 2.0


def leave_to_its_runner(wiring: Wiring, found: Snapshot) -> None:
    """Return when nobody works on the operation any more: it has stopped, its runner is gone, or it is over."""
    while (journal := found.document.journal) is not None and found.document.busy:
        silent = (wiring.clock.now() - journal.updated_at).total_seconds()
        if journal.waiting_for or silent >= _SILENT_AFTER or _gone(journal, wiring.holder):
            return
        wiring.progress.waiting(f"another runner works on {found.document.record.name}")
        wiring.clock.sleep(_PAUSE)
        found = wiring.store.load(found.id)


def _gone(journal: Journal, ours: str) -> bool:
    """Whether the runner was a process of this machine that has ended; of another machine nobody can say."""
    host, _, rest = journal.holder.partition("/")
    number = rest.partition("/")[0]
    if host != ours.partition("/")[0] or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        return True  # a process has one runner, and we are it
    with suppress(ProcessLookupError):
        try:
            os.kill(int(number), 0)
        except PermissionError:
            return False  # it runs, as somebody else
        return False
    return True
