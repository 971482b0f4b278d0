"""Several runners that work through one list of due tokens, with nothing between them but the store.

Each goes through the list in its order, the most overdue first, and looks at a token again when its turn comes. What
another runner is at is passed over and looked at later: whoever started the run learns how every due token ended.
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
"""Seconds between looks at what others are at."""


def left_to_another(
    document: Document, *, due: bool, holder: str, now: datetime, takes: timedelta
) -> SkipReason | None:
    """Why a token of the list is not, or no longer, for the runner `holder`; None: it is.

    Args:
        document: the token as it is now.
        due: whether it is due as it is now.
        holder: who asks.
        now: the time.
        takes: about how long the whole rotation takes; no step of it is silent for longer.
    """
    journal = document.journal
    if journal is None or journal.stage.ended:
        return None if due and document.record.state is not RecordState.RETIRED else SkipReason.OVER
    free = journal.holder == holder or is_abandoned(journal, now, longest_step=takes)
    return None if free else SkipReason.ELSEWHERE


def unless_left(left: Callable[[], SkipReason | None], rotate: Callable[[], object]) -> object:
    """Rotate, unless another runner has the token or was first at the last moment; then why."""
    if (skipped := left()) is not None:
        return skipped
    try:
        return rotate()
    except Fenced:
        raise  # it was ours, and somebody took it over
    except (Conflict, Unfinished):
        if (skipped := left()) is not None:
            return skipped
        raise


def run_shared(jobs: Iterable[BatchJob], clock: Clock, progress: Progress) -> Iterator[BatchResult]:
    """Run the jobs; those that others are at are looked at again until it is known how they end."""
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
            progress.waiting(f"other runners are still at {len(waiting)} of the list; waiting for them")
            clock.sleep(_LOOK_AGAIN)
