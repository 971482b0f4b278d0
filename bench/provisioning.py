"""A manifest of 2,000 tokens: the time of its plan against one reading of the inventory it is held against."""

import json
import shutil
import tempfile
from pathlib import Path

from bench.sidebyside import compare, report
from bench.stores import fill, make_store, ours
from tokenguard.shell.clock import SystemClock
from tokenguard.shell.local_store import open_local

_COUNT, _CHANGED = 2_000, 20


def main() -> None:
    """`plan` against `list`, both on one local store, and on a manifest as people write it."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    try:
        environment = make_store(place)
        fill(place, environment, _COUNT)
        _declare(place, environment)
        plan = ours("plan", str(place / "tokens.yaml"), "--format", "json")
        ratio = compare(plan, ours("list", "--format", "json"), runs=9, environment=environment)
        report(f"plan of {_COUNT:,} tokens", "list --format json", ratio, "at most 1.5x")
    finally:
        shutil.rmtree(place)


def _declare(place: Path, environment: dict[str, str]) -> None:
    """What is in the store, and of a few another owner."""
    store = open_local(place / "store", environment, SystemClock(), None)
    lines = ["version: 1", "defaults: {provider: descript, environment: prod, purpose: purpose}", "tokens:"]
    for number, found in enumerate(store.scan()):
        record = found.document.record
        owner = "another" if number < _CHANGED else record.owner
        lines += [f"  {record.name}:", f"    scope: {json.dumps(str(record.scope))}", f"    owner: {owner}"]
        lines += ["    consumers: []", "    issue: guided"]
    (place / "tokens.yaml").write_text("\n".join(lines) + "\n")
    store.close()
