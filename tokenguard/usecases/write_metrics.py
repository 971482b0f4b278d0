"""Writes the metrics of a store."""

from tokenguard.report.open_metrics import as_open_metrics
from tokenguard.shell.wiring import Wiring


def metrics_text(wiring: Wiring, *, upkeep_code: int | None = None) -> str:
    """The OpenMetrics text of the store as it is now; `upkeep_code`: the exit code of the upkeep that just ended."""
    documents = [snapshot.document for snapshot in wiring.store.scan()]
    return as_open_metrics(documents, wiring.policy, wiring.clock.now(), upkeep_code=upkeep_code)
