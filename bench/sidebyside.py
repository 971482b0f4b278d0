"""Runs two commands in turn, A B A B, and compares pair by pair, so that a drifting machine drifts for both."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much longer (or larger) ours is than the peer's."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f}x ({self.low:.2f} to {self.high:.2f})"


def run_once(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, int]:
    """Wall seconds and peak memory (KiB) of one process, as the system accounts for it."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            raise SystemExit(f"{command[:4]} exited {child.returncode}: {errors.read().decode()[-400:]}")
    return seconds, usage.ru_maxrss


def compare(
    ours: Sequence[str], peer: Sequence[str], *, runs: int = 15, environment: Mapping[str, str] | None = None
) -> Ratio:
    """The ratio of wall times, pair by pair, after one warm-up of each."""
    env = dict(os.environ if environment is None else environment)
    ratios = []
    for number in range(runs + 1):
        mine, _ = run_once(ours, env)
        theirs, _ = run_once(peer, env)
        if number:
            ratios.append(mine / theirs)
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def python(code: str) -> list[str]:
    """A fresh interpreter that runs `code`."""
    return [sys.executable, "-c", code]


def report(work: str, peer: str, measured: object, goal: str) -> None:
    """One line of the table."""
    print(f"{work:<44} {peer:<34} {measured!s:<28} goal {goal}", flush=True)
