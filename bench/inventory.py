"""Inventory at size: listing 10,000 records, and adding to them."""

import shutil
import statistics
import tempfile
from pathlib import Path

from bench.sidebyside import compare, report, run_once
from bench.stores import fill, make_store, ours

_MANY, _FEW, _RUNS = 10_000, 10, 7
_READING = (
    ("metrics",),
    ("report", "--format", "ics"),
    ("list", "--due"),
    ("list", "--due", "--within", "30"),
    ("list", "--owner", "team7"),
    ("list", "--name", "team7/*/prod/*"),
    ("list", "--provider", "descript", "--env", "prod", "--state", "active"),
    ("list", "--leaked"),
    ("list", "--format", "csv"),
    ("triage", "--plan"),
    ("audit", "export"),
)
"""What reads the whole inventory."""


def main() -> None:
    """Memory of `list` at 10,000; what else reads all of it, against `list`; `add` there against `add` into 10."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    try:
        few, many = place / "few", place / "many"
        environments = {}
        for directory, count in ((few, _FEW), (many, _MANY)):
            directory.mkdir()
            environments[directory] = make_store(directory)
            fill(directory, environments[directory], count)
        _, peak = run_once(ours("list", "--format", "json"), environments[many])
        report(f"list --format json, {_MANY:,} records", "memory", f"{peak / 1024:.0f} MB", "under 150 MB")
        for arguments in _READING:
            ratio = compare(ours(*arguments), ours("list"), runs=_RUNS, environment=environments[many])
            report(f"{' '.join(arguments)}, {_MANY:,} records", "list", ratio, "at most 1.5x")
        ratios = []
        for number in range(_RUNS):
            large, _ = run_once(_add(number), environments[many] | {"VALUE": f"tgcanary-large-{number}"})
            small, _ = run_once(_add(number), environments[few] | {"VALUE": f"tgcanary-small-{number}"})
            ratios.append(large / small)
        measured = f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
        report(f"add into {_MANY:,} records", f"add into {_FEW}", measured, "at most 3x")
    finally:
        shutil.rmtree(place)


def _add(number: int) -> list[str]:
    return ours(
        "add", f"bench/token{number}", "--provider", "manual", "--env", "prod", "--owner", "bench",
        "--purpose", "bench", "--scope", "org:bench", "--no-consumers", "--from-env", "VALUE", "--no-verify",
    )  # fmt: skip
