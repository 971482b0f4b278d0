"""Writes the metrics of a store."""

from typing import Protocol

from tokenguard.report.open_metrics import as_open_metrics
from tokenguard.usecases.assess import refuse_if_any_ahead
from tokenguard.usecases.last_upkeep import last_upkeep
from tokenguard.usecases.parts import HasClock, HasPolicy, HasStore


class WriteMetricsParts(HasClock, HasPolicy, HasStore, Protocol):
    """What this use case takes."""


def metrics_text(parts: WriteMetricsParts, *, upkeep_code: int | None = None) -> str:
    """The OpenMetrics text of the store as it is now, with the last upkeep as far as it is known.

    Args:
        parts: what it takes of the process.
        upkeep_code: the exit code of the upkeep that just ended; None: the store says what the last one was.

    Raises:
        InputError: this machine's clock is behind; an upkeep that was refused for that still tells its exit code.
    """
    documents, now = [snapshot.document for snapshot in parts.store.scan()], parts.clock.now()
    if upkeep_code is not None:
        return as_open_metrics(documents, parts.policy, now, upkeep=(now, upkeep_code))
    refuse_if_any_ahead(now, documents)
    last = last_upkeep(parts)
    return as_open_metrics(documents, parts.policy, now, upkeep=None if last is None else (last.at, last.code))
