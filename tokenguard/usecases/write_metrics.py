"""Writes the metrics of a store."""

from typing import Protocol

from tokenguard.report.open_metrics import as_open_metrics
from tokenguard.usecases.parts import HasClock, HasPolicy, HasStore


class WriteMetricsParts(HasClock, HasPolicy, HasStore, Protocol):
    """What this use case takes."""


def metrics_text(parts: WriteMetricsParts, *, upkeep_code: int | None = None) -> str:
    """The OpenMetrics text of the store as it is now; `upkeep_code`: the exit code of the upkeep that just ended."""
    documents = [snapshot.document for snapshot in parts.store.scan()]
    return as_open_metrics(documents, parts.policy, parts.clock.now(), upkeep_code=upkeep_code)
