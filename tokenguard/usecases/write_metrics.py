"""Writes the metrics of a store."""

from typing import Protocol

from tokenguard.report.open_metrics import as_open_metrics
from tokenguard.usecases.assess import refuse_if_any_ahead
from tokenguard.usecases.parts import HasClock, HasPolicy, HasStore


class WriteMetricsParts(HasClock, HasPolicy, HasStore, Protocol):
    """What this use case takes."""


def metrics_text(parts: WriteMetricsParts, *, upkeep_code: int | None = None) -> str:
    """The OpenMetrics text of the store as it is now; `upkeep_code`: the exit code of the upkeep that just ended.

    Raises:
        InputError: this machine's clock is behind; an upkeep that was refused for that still tells its exit code.
    """
    documents, now = [snapshot.document for snapshot in parts.store.scan()], parts.clock.now()
    if upkeep_code is None:
        refuse_if_any_ahead(now, documents)
    return as_open_metrics(documents, parts.policy, now, upkeep_code=upkeep_code)
