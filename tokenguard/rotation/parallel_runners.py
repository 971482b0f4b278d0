"""Lets several runners process the due list concurrently, coordinated only through the store.

Each runner works through the list in order, the most overdue first, and reads each token again when it reaches it.
Tokens that another runner is working on are skipped and checked later, so each run reports how every due token ended.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from tokenguard.domain.document import Document
from tokenguard.domain.token import RecordState
from tokenguard.errors import Conflict, Fenced, Unfinished
from tokenguard.ports.clock import Clock
from tokenguard.ports.operator import Progress
from tokenguard.rotation.batch import BatchJob, BatchResult, SkipReason, run_all
from tokenguard.rotation.lease import is_abandoned

_LOOK_AGAIN = 1.0
"""Seconds between checks of tokens that other runners hold."""


def why_skipped(document: Document, *, due: bool, holder: str, now: datetime, takes: timedelta) -> SkipReason | None:
    """Return why the runner `holder` must skip a token of the list; None if it may rotate it.

    Args:
        document: the token's current document.
        due: whether it is due now.
        holder: the id of this runner.
        now: the current time.
        takes: the estimated duration of the whole rotation; no step is silent for longer.
    """
    journal = document.journal
    if journal is None or journal.stage.ended:
        return None if due and document.record.state is not RecordState.RETIRED else SkipReason.OVER
    free = journal.holder == holder or is_abandoned(journal, now, longest_step=takes)
    return None if free else SkipReason.ELSEWHERE


def rotate_unless_taken(left: Callable[[], SkipReason | None], rotate: Callable[[], object]) -> object:
    """Rotate, unless another runner has or takes the token; then return the reason."""
    if (skipped := left()) is not None:
        return skipped
    try:
        return rotate()
    except Fenced:
        raise  # another runner took over from this one
    except (Conflict, Unfinished):
        if (skipped := left()) is not None:
            return skipped
        raise


def run_shared(jobs: Iterable[BatchJob], clock: Clock, progress: Progress) -> Iterator[BatchResult]:
    """Run the jobs; those that other runners hold are checked again until their result is known."""
    waiting = list(jobs)
    while waiting:
        by_name = {job.name: job for job in waiting}
        waiting = []
        for result in run_all(by_name.values(), clock):
            if result.outcome is SkipReason.ELSEWHERE:
                waiting.append(by_name[result.name])
            else:
                yield result
        if waiting:
            progress.waiting(f"waiting for other runners, which are rotating {len(waiting)} of the due tokens")
            clock.sleep(_LOOK_AGAIN)
