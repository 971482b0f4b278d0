"""Plants one flaw after another in the copy that it runs in, and runs the test of each in a process of its own.

Each line of standard input is a list of tests, and the flaw to plant or nothing; each line of output says what became
of it. Libraries are imported once, the package by each process.
"""

import contextlib
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.table import ROOT, Mutant, mutants

PATIENCE = 100
"""Seconds that one flaw may take: a test that only hangs has detected nothing."""
_LIBRARIES = (
    "hypothesis.strategies",
    "click",
    "cryptography.hazmat.primitives.ciphers.aead",
    "msgspec",
    "platformdirs",
    "re2",
    "rich.table",
    "urllib3",
    "yaml",
)
_LOADED = "ignore::pytest.PytestAssertRewriteWarning"
"""Hypothesis, which is a plug-in too, is imported already."""


class Watcher:
    """Notes each phase of a test that failed, and by what."""

    def __init__(self) -> None:
        self.passed = 0
        self.failures: list[dict] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        self.passed += report.passed and report.when == "call"
        if report.failed:
            fault = call.excinfo.value
            told = f"{type(fault).__name__}: {str(fault)[:300]}"
            self.failures.append({"detects": report.when == "call" and _detects(fault), "told": told})
        return report


def _detects(fault: BaseException) -> bool:
    """Whether a test failed on an assertion, or on an error of the package that it does not expect.

    Any other exception is that of a broken program, and a test that only hangs has detected nothing.
    """
    if isinstance(fault, BaseExceptionGroup):  # several of Hypothesis' examples
        return any(_detects(each) for each in fault.exceptions)
    ours = any(each.__module__ == "tokenguard.errors" for each in type(fault).__mro__)
    return ours or (isinstance(fault, AssertionError | pytest.fail.Exception) and not str(fault).startswith("Timeout"))


def main() -> None:
    """Serve until standard input ends."""
    for library in _LIBRARIES:
        importlib.import_module(library)
    known = {mutant.flaw: mutant for mutant in mutants()}
    for line in sys.stdin:
        tests, flaw = json.loads(line)
        began = time.monotonic()
        with _planted(known[flaw]) if flaw else contextlib.nullcontext():
            answer = _run(tests)
        print(json.dumps({"flaw": flaw, "seconds": round(time.monotonic() - began, 1), **answer}), flush=True)


@contextlib.contextmanager
def _planted(mutant: Mutant) -> Iterator[None]:
    path = ROOT / mutant.file
    text = path.read_text()
    try:
        _write(path, mutant.planted(text))
        yield
    finally:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    """Bytecode knows its source by second and size, which a flaw need not change."""
    path.write_text(text)
    if path.suffix == ".py":
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def _run(tests: list[str]) -> dict:
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        with os.fdopen(write, "w") as answers:
            _test(tests, answers)
    os.close(write)
    with os.fdopen(read) as answers:
        return _outcome(pid, answers, PATIENCE * len(tests))


def _test(tests: list[str], answers) -> None:
    """In the child: it never returns."""
    os.setsid()
    with Path(os.devnull).open("r+") as nothing:
        for descriptor in range(3):
            os.dup2(nothing.fileno(), descriptor)
    watcher = Watcher()
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", f"--timeout={PATIENCE}", "-W", _LOADED]
    code = pytest.main([*options, *tests], plugins=[watcher])
    package = sys.modules.get("tokenguard")
    here = package is not None and Path(package.__file__).is_relative_to(ROOT)
    json.dump({"code": int(code), "here": here, "passed": watcher.passed, "failures": watcher.failures}, answers)
    answers.flush()
    os._exit(0)


def _outcome(pid: int, answers, patience: float) -> dict:
    signal.signal(signal.SIGALRM, lambda *_: _end(pid))
    signal.alarm(int(patience) + 20)
    try:
        told = answers.read()
    finally:
        signal.alarm(0)
        _end(pid)
        os.waitpid(pid, 0)
    return json.loads(told) if told else {"code": -1, "here": False, "passed": 0, "failures": []}


def _end(pid: int) -> None:
    """The process and what it left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
