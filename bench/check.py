"""Policies at size: `check` of 10,000 tokens with twenty rules in CEL, and reading a policy of 64 KiB."""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.sidebyside import report, run_once
from bench.stores import fill, make_store
from tokenguard.policy.loader import MAX_BYTES, load_policy

_MANY, _RUNS = 10_000, 7
_LOAD = "from tokenguard.shell.wiring import Wiring\nprint(len(list(Wiring().store.scan())))"
_CHECK = """
import contextlib, sys
from tokenguard.cli import main
sys.argv = ["tokenguard", "check", "--inventory-only", "--policy", sys.argv[1], "--format", "json"]
with contextlib.suppress(SystemExit):
    main()
"""
_HEAD = "format: 1\nname: bench\nextends: strict\n"
_OWN = """\
  - id: own-{n}
    severity: error
    says: it is not as it should be
    why: measured
    source: measured
    fix: none
    applies: 'record.environment == "prod" && record.age_days < {n}00'
    holds: 'record.owner.startsWith("team") && !record.consumers.exists(c, c.startsWith("command:{n}"))'
"""
_WAIVER = (
    "  - {{rule: maximum-age, token: team/{n}/*, owner: bench, reason: until the move is over, until: 2099-01-31}}\n"
)


def main() -> None:
    """Both measurements, as ratios."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    try:
        _measure_check(place)
    finally:
        shutil.rmtree(place)
    _measure_reading()


def _measure_check(place: Path) -> None:
    environment = make_store(place)
    fill(place, environment, _MANY)
    policy = place / "policy.yaml"
    policy.write_text(_HEAD + "own_rules:\n" + "".join(_OWN.format(n=n) for n in range(20)))
    ratios, peaks = [], []
    for _ in range(_RUNS):
        ours, peak = run_once([sys.executable, "-P", "-c", _CHECK, str(policy)], environment)
        theirs, _ = run_once([sys.executable, "-P", "-c", _LOAD], environment)
        ratios.append(ours / theirs)
        peaks.append(peak)
    work = f"check, {_MANY:,} tokens, strict + 20 CEL"
    report(work, "loading the inventory", _shown(ratios), "at most 2x")
    report(work, "memory", f"{max(peaks) / 1024:.0f} MB", "under 250 MB")


def _measure_reading() -> None:
    import yaml  # the other measurement needs none

    text = _HEAD + "waivers:\n"
    number = 0
    while len(text) + len(line := _WAIVER.format(n=number)) <= MAX_BYTES:
        text, number = text + line, number + 1
    data = text.encode()
    ratios = []
    for _ in range(_RUNS):
        ours = _seconds(lambda: load_policy(data, source="bench.yaml"))
        ratios.append(ours / _seconds(lambda: yaml.safe_load(data)))
    report(f"a policy of {len(data):,} bytes", "yaml.safe_load", _shown(ratios), "at most 3x")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _shown(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
