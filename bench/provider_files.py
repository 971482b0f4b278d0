"""Provider files: reading and validating the whole set against one plain YAML load of the same bytes."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from bench.sidebyside import Ratio, report
from tokenguard.providers import provider_registry
from tokenguard.providers.generic.loading import describe

_GOAL = "at most 1.5x"
_RUNS = 60


def main() -> None:
    """All files that come with tokenguard, in one process, in turn with the peer."""
    folder = Path(provider_registry.__file__).parent / "services"
    files = [folder.joinpath(f"{name}.yaml").read_bytes() for name in provider_registry.described_services()]
    together = b"".join(
        f"file{number}:\n".encode() + b"".join(b"  " + line for line in data.splitlines(keepends=True))
        for number, data in enumerate(files)
    )
    ratios = []
    for _ in range(_RUNS):
        ours = _seconds(lambda: [describe(data, source="bench") for data in files])
        peer = _seconds(lambda: yaml.load(together, yaml.CSafeLoader))
        ratios.append(ours / peer)
    measured = Ratio(statistics.median(ratios), min(ratios), max(ratios))
    report(f"validate {len(files)} provider files", "yaml.load with CSafeLoader", measured, _GOAL)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
