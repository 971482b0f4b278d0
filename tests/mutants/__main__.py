"""Plants every flaw of the table, one at a time, and says which ones their test did not detect: `make mutants`."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Queue
from typing import Self

from tests.mutants.copies import copy_of_the_checkout
from tests.mutants.table import Mutant, mutants

_AT_ONCE = 25
"""Tests that run together, in one process, without a flaw."""

Job = tuple[list[str], str | None]


def main(arguments: list[str]) -> int:
    """Run what is asked for; 1 if a flaw survived."""
    asked = _asked(arguments)
    chosen = [each for each in mutants() if _is_chosen(each, asked)]
    if not chosen:
        sys.exit("no such flaw")
    began = time.monotonic()
    with Copies(asked.jobs) as copies:
        untested = set() if asked.sample else _not_passing(copies, sorted({each.test for each in chosen}))
        survivors = list(_survivors(copies, [each for each in chosen if each.test not in untested]))
    minutes = (time.monotonic() - began) / 60
    planted = sum(each.test not in untested for each in chosen)
    print(f"{len(chosen)} flaws, {planted} planted, {planted - len(survivors)} detected, in {minutes:.1f} minutes")
    return 1 if survivors or untested else 0


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "--sample", action="store_true", help="only the flaws of the sample, whose tests are known to pass"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("flaws", nargs="*", metavar="FLAW", help="names of flaws, or of files of the table")
    return parser.parse_args(arguments)


def _is_chosen(mutant: Mutant, asked: argparse.Namespace) -> bool:
    if asked.sample:
        return mutant.sample
    return not asked.flaws or mutant.flaw in asked.flaws or mutant.table in asked.flaws


class Copies:
    """Some copies of the checkout, with a worker in each; a job goes to one that is idle."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._idle: Queue[subprocess.Popen[str]] = Queue()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        scratch = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
        for number in range(self._number):
            self._idle.put(self._open.enter_context(_worker(copy_of_the_checkout(scratch / str(number)))))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def results(self, jobs: Iterable[Job]) -> Iterator[dict]:
        """What became of each, in the order of the jobs."""
        with ThreadPoolExecutor(self._number) as pool:
            yield from pool.map(self._result, jobs)

    def _result(self, job: Job) -> dict:
        worker = self._idle.get()
        try:
            print(json.dumps(job), file=worker.stdin, flush=True)
            return json.loads(worker.stdout.readline())
        finally:
            self._idle.put(worker)


@contextmanager
def _worker(copy: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [copy / ".venv/bin/python", "-m", "tests.mutants.worker"],
        cwd=copy, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()
        process.wait()


def _not_passing(copies: Copies, tests: list[str]) -> set[str]:
    """The tests that fail, or are skipped, without any flaw: they can detect none."""
    parts = [tests[start : start + _AT_ONCE] for start in range(0, len(tests), _AT_ONCE)]
    results = copies.results((part, None) for part in parts)
    doubted = [test for part, found in zip(parts, results, strict=True) if not _passed(found, part) for test in part]
    alone = copies.results(([test], None) for test in doubted)
    failed = {test: found for test, found in zip(doubted, alone, strict=True) if not _passed(found, [test])}
    for test, found in failed.items():
        print(f"does not pass without a flaw: {test}: {_told(found)}")
    return set(failed)


def _passed(result: dict, tests: list[str]) -> bool:
    return result["here"] and result["code"] == 0 and result["passed"] >= len(tests)


def _survivors(copies: Copies, planted: list[Mutant]) -> Iterator[Mutant]:
    results = copies.results(([each.test], each.flaw) for each in planted)
    for mutant, result in zip(planted, results, strict=True):
        detected = result["here"] and any(each["detects"] for each in result["failures"])
        verdict = "detected" if detected else "SURVIVED"
        print(f"{verdict} {result['seconds']:5.1f} s  {mutant.flaw}", flush=True)
        if not detected:
            print(f"    {mutant.test}: {_told(result)}", flush=True)
            yield mutant


def _told(result: dict) -> str:
    return (
        "; ".join(each["told"] for each in result["failures"]) or f"nothing failed; pytest ended with {result['code']}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
