"""Guards around every test: a clean environment, no traffic off this machine, and no value in any output."""

import gc
import ipaddress
import itertools
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.words import SNAPSHOTS, VALUES, Snapshots, Words, file_of

if TYPE_CHECKING:
    from tests.fakes.secrets_manager.server import FakeAws
    from tests.integration.openbao import OpenBao

_SCRUBBED = re.compile(
    r"(TOKENGUARD|VAULT|BAO|AWS)_|XDG_|NETRC$|(HTTPS?|ALL|NO)_PROXY$|SSLKEYLOGFILE$|GIT_"
    r"|(GITHUB|RUNNER|GITLAB|CI|CIRCLE|BITBUCKET|TRAVIS|CODEBUILD|AGENT|BUILDKITE|DRONE|PIPELINE|SEMAPHORE|CIRRUS)_"
    r"|(CIRCLECI|TRAVIS|APPVEYOR|DRONE|SEMAPHORE|TF_BUILD)$",  # `CI` stays: what is missing fails with it
    re.IGNORECASE,
)

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("new", deadline=None, print_blob=True)
settings.load_profile("new" if os.environ.get("EXPLORE") else "same")
"""Without EXPLORE the examples are the same in each run, so that a failure is the change's own."""

_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30
"""Bytes that must be free in memory: environments with pip are made there."""

_LONG = 900
"""Seconds after which a slow test has hung."""

_seconds: Counter[str] = Counter()
_tests: Counter[str] = Counter()
"""What each folder took, and how many tests it has."""
_leaks: list[str] = []
_ran: list[str] = []
"""The tests of this process that have snapshots."""
_whole: set[str] = set()
"""The files that were collected as a whole."""
_SNAPSHOTS = pytest.StashKey[Snapshots]()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory) -> Iterator[Path]:
    """A new home for each test. Pytest's own numbering would look at all the others each time."""
    above = tmp_path_factory.mktemp("homes")
    return (above / f"home{number}" for number in itertools.count())


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, _homes):
    """Nothing of the machine's own settings, stores or credentials reaches a test, and nothing of a test reaches them."""
    home = next(_homes)
    home.mkdir(mode=0o700)
    for name in [name for name in os.environ if _SCRUBBED.match(name)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def unmeasured(monkeypatch):
    """Child processes are not measured for coverage: what they import, and when, is what the test looks at."""
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def until_it_reads():
    """Waits until a process sleeps in its read of standard input, and does not wake on its own for 0.4 s.

    Where it sleeps is told to root only: our processes forbid to be looked into.
    """

    def wait(process: subprocess.Popen) -> None:
        asleep, before = 0, ""
        for _ in range(1000):
            status = Path(f"/proc/{process.pid}/status").read_text()
            same = status == before and "\nState:\tS" in status  # it counts how often the process was woken
            asleep, before = (asleep + 1 if same else 0), status
            if asleep >= 20:
                return
            time.sleep(0.02)
        raise AssertionError("it never came to read")

    return wait


@pytest.fixture(scope="session")
def openbao() -> "Iterator[OpenBao]":
    """A real OpenBao, one for each worker: a test takes a prefix or a mount of its own.

    A module that seals it, or sets up logins of the whole server, has a server of its own.
    """
    from tests.integration.openbao import running

    with running() as server:
        yield server


@pytest.fixture(scope="session")
def _aws_server() -> "Iterator[FakeAws]":
    from tests.fakes.secrets_manager.server import FakeAws

    with FakeAws() as server:
        yield server


@pytest.fixture
def fake_aws(_aws_server: "FakeAws") -> "FakeAws":
    """A fake of AWS: one server for each worker, with an empty region for each test."""
    _aws_server.reset()
    return _aws_server


@pytest.fixture
def words(request, tmp_path_factory) -> Words:
    """Holds what a command or an error says to its snapshot: `words(answer)`."""
    test = _test(request.node)
    _ran.append(test)
    return Words(request.config.stash[_SNAPSHOTS], test, tmp_path_factory.getbasetemp())


def _test(item) -> str:
    return item.nodeid.removeprefix("tests/")


@pytest.fixture(autouse=True, scope="session")
def loopback_only():
    """A connection to anything but this machine is an error."""
    real = socket.socket.connect

    def connect(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}")
        return real(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pytest_addoption(parser):
    parser.addoption("--snapshots", action="store_true", help="run the tests that have snapshots, and write those anew")


def _has_room(directory: Path) -> bool:
    """Whether temporary files may be there: a container's own is often too small, or runs no programs."""
    try:
        there = os.statvfs(directory)
    except OSError:
        return False
    return (
        os.access(directory, os.W_OK | os.X_OK)
        and there.f_bavail * there.f_frsize >= _ROOM
        and not there.f_flag & os.ST_NOEXEC
    )


def pytest_report_header() -> str:
    return f"temporary files: {tempfile.gettempdir()}"


def pytest_configure(config):
    """Temporary files go to memory where there is room, unless TMPDIR says where: stores wait for the disk at each write.

    A shell that runs the suite in its background has it, and every program it starts, ignore Ctrl-C; `nohup` the same
    with SIGHUP.
    """
    gc.set_threshold(20_000)  # nearly all that is imported and collected lives to the end: looking at it finds nothing
    if "TMPDIR" not in os.environ and _has_room(_MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
    config.stash[_SNAPSHOTS] = Snapshots(SNAPSHOTS, writes=config.getoption("--snapshots"))
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_runtest_logreport(report):
    """The leak check: whatever a test prints, logs or fails with is searched for values."""
    folder = report.nodeid.partition("::")[0].rpartition("/")[0]
    _seconds[folder] += report.duration
    _tests[folder] += report.when == "setup"
    texts = [report.capstdout, report.capstderr, report.caplog]
    if any(VALUES.search(text) for text in texts):
        _leaks.append(report.nodeid)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """At the very end, say what took how long, what could not be tested, and where a value was seen; never the value."""
    yield
    for folder, number in sorted(_tests.items() if len(_tests) > 1 else ()):
        terminalreporter.write_line(f"{folder}: {number:,} tests, {_seconds[folder]:.0f} s")
    reasons = (str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    for reason in dict.fromkeys(reason for reason in reasons if "NOT TESTED" in reason):
        terminalreporter.write_line(reason.removeprefix("Skipped: "), yellow=True, bold=True)
    for nodeid in dict.fromkeys(_leaks):
        terminalreporter.write_line(f"LEAK: a value is in the output of {nodeid}", red=True)


def pytest_collection_modifyitems(config, items):
    """A long campaign may take longer before it counts as hung; and only tests with snapshots have any to write."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_LONG))
    if config.getoption("--snapshots"):
        if not config.getoption("keyword") and not any("::" in each for each in config.args):
            _whole.update(file_of(_test(item)) for item in items)
        items[:] = [item for item in items if "words" in item.fixturenames]


def pytest_collection_finish(session):
    """What was imported and collected lives to the end of the run: no garbage collection looks at it again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session, exitstatus):
    """Snapshots are written if they should be; a leak fails the run, whatever else passed."""
    if session.config.getoption("--snapshots") and hasattr(session, "items"):
        known = {_test(item) for item in session.items}
        session.config.stash[_SNAPSHOTS].save(ran=_ran, known=known, files=_whole)
    if _leaks and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
