"""A scan that two processes share: the results of one process, in its order, whatever becomes of the child."""

import contextlib
import errno
import os
import random
import secrets
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tokenguard.domain.finding import Report, SkippedContent
from tokenguard.domain.profile import Profile
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.scanning import worker_processes
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.scan_budget import ALLOWANCE, TOO_LARGE, PlainFileBudget, ScanBudget
from tokenguard.scanning.scanner import Stages, Suppressor

TOKENGUARD = Path(sys.executable).with_name("tokenguard")
PARTS = list(range(30))


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share everything, on any machine."""
    monkeypatch.setattr(worker_processes, "_LONG", -1)
    monkeypatch.setattr(worker_processes, "_second_processor", lambda: True)


def report(part: int, _: ScanBudget) -> Report:
    time.sleep(0.002)  # so that each process gets its turn
    return Report(files=1, bytes=part, skipped=(SkippedContent(path=f"{part} by {os.getpid()}", reason="unreadable"),))


def no_child_is_left() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return True


@pytest.mark.usefixtures("eager")
def test_every_part_is_scanned_once_by_two_processes_and_in_order() -> None:
    reports = worker_processes.shared(PARTS, report, ScanBudget())
    assert [each.bytes for each in reports] == PARTS
    assert len({each.skipped[0].path.split()[-1] for each in reports}) == 2
    assert no_child_is_left()


def test_a_scan_is_shared_as_soon_as_its_first_parts_tell_that_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_processes, "_second_processor", lambda: True)

    def processes(size: int) -> set[str]:
        def scan(part: int, budget: ScanBudget) -> Report:
            return replace(report(part, budget), bytes=size)

        reports = worker_processes.shared(PARTS, scan, ScanBudget())
        return {each.skipped[0].path.split()[-1] for each in reports}

    long_enough = worker_processes._LONG // len(PARTS) + 1
    assert len(processes(long_enough)) == 2
    assert processes(long_enough - 2) == {str(os.getpid())}


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: 1 / 0, lambda: os._exit(0)])
def test_what_a_child_that_ends_early_leaves_is_scanned_all_the_same(end) -> None:
    parent = os.getpid()

    def scan(part: int, budget: ScanBudget) -> Report:
        if os.getpid() != parent and part > 3:
            end()
        return report(part, budget)

    assert [each.bytes for each in worker_processes.shared(PARTS, scan, ScanBudget())] == PARTS
    assert no_child_is_left()


@pytest.mark.usefixtures("eager")
def test_where_no_further_process_is_allowed_one_scans_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def state() -> tuple[set[signal.Signals], int]:
        return signal.pthread_sigmask(signal.SIG_BLOCK, ()), len(list(Path("/dev/fd").iterdir()))

    monkeypatch.setattr(os, "fork", refuse)
    before, reports = state(), []
    with contextlib.suppress(OSError):
        reports = worker_processes.shared(PARTS, report, ScanBudget())
    assert [each.bytes for each in reports] == PARTS
    assert state() == before


@pytest.mark.usefixtures("eager")
def test_an_error_is_raised_in_the_parent_and_no_child_is_left() -> None:
    def scan(part: int, budget: ScanBudget) -> Report:
        if part > 3:
            raise InputError("gone", hint="none")
        return report(part, budget)

    with pytest.raises(InputError):
        worker_processes.shared(PARTS, scan, ScanBudget())
    assert no_child_is_left()


def test_a_short_scan_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("shared"))
    assert len(worker_processes.shared(PARTS, report, ScanBudget())) == len(PARTS)


@pytest.mark.usefixtures("eager")
def test_a_tree_gives_the_same_findings_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = secrets.token_hex(20)
    for number in range(60):
        folder = tmp_path / f"d{number % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.py").write_text(
            f"x = {number}\npassword = '{value if number % 9 == 0 else secrets.token_hex(20)}'\n"
        )
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text(f"token = '{value}'\n")
    (tmp_path / "link").symlink_to("d1")
    monkeypatch.chdir(tmp_path)
    job = ScanJob(stages=Stages(), suppressor=Suppressor())
    two = job.paths([Path()])
    monkeypatch.setattr(worker_processes, "_second_processor", lambda: False)
    one = job.paths([Path()])

    def seen(found: Report) -> tuple:
        return found.files, found.bytes, found.skipped, [(each.place, each.kind) for each in found.findings]

    assert seen(two) == seen(one)
    same = {tag.path: tag.tag for tag in two.findings}
    assert same["d0/0.py"] == same["d2/9.py"] == same[os.fsdecode(b"caf\xe9.py")]
    assert len(set(same.values())) > 40


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(8))
def test_both_processes_together_leave_out_what_one_leaves_out(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget is accounted for in the order of the parts, whoever scanned them and however far they came."""
    costs = random.Random(seed).choices([0, 1, 5, 30, 60, 200], [8, 4, 4, 2, 1, 1], k=40)

    def scan(part: int, budget: ScanBudget) -> Report:
        time.sleep(0.001)
        left_out = 0 if budget.spend(costs[part]) else 1
        left_out += 0 if PlainFileBudget(budget, 0).spend(costs[-part]) else 1
        return Report(files=part, bytes=1, left_out=left_out)

    two, one = ScanBudget(150, 150), ScanBudget(150, 150)
    shared = worker_processes.shared(PARTS, scan, two)
    monkeypatch.setattr(worker_processes, "_second_processor", lambda: False)
    assert shared == worker_processes.shared(PARTS, scan, one)
    assert two.rest == one.rest
    assert any(each.left_out for each in shared)


@pytest.mark.usefixtures("eager")
def test_a_tree_of_archives_gives_the_same_report_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "password = '{}'\nx = 1\n"
    for number in range(60):
        with zipfile.ZipFile(tmp_path / f"{number:02}.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a.py", line.format(secrets.token_hex(20)))
            file.writestr("b.py", "x = 1\n" * (ALLOWANCE // 6 // 10 if number % 3 == 0 else 10))
            file.writestr("c.py", line.format(secrets.token_hex(20)))
    monkeypatch.chdir(tmp_path)
    job = ScanJob(stages=Stages(), suppressor=Suppressor())
    two = job.paths([Path()])
    monkeypatch.setattr(worker_processes, "_second_processor", lambda: False)
    one = job.paths([Path()])
    assert (two.files, two.bytes, two.skipped) == (one.files, one.bytes, one.skipped)
    assert [each.place for each in two.findings] == [each.place for each in one.findings]
    assert {each.reason for each in one.skipped} == {TOO_LARGE}
    assert 5 < len(one.skipped) < 20


@pytest.mark.usefixtures("eager")
def test_what_has_to_see_everything_is_asked_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("shared"))
    for number in range(20):
        (tmp_path / f"{number}.py").write_text(f"password = '{secrets.token_hex(20)}'\n")
    recorder = Suppressor()
    monkeypatch.setattr(recorder, "learns", True)
    monkeypatch.setattr(recorder, "knows", lambda *_: True)
    stages = Stages(profile=Profile.STRICT)  # by default one in a thousand random values is left out
    assert ScanJob(stages=stages, suppressor=recorder).paths([tmp_path]).suppressed >= 20


def test_an_interrupt_ends_both_processes_and_says_so_once(tmp_path: Path) -> None:
    for number in range(64):
        (tmp_path / f"{number}.yml").write_text("k: [a, &x b, *x]\n" * 8_000 + f"password: {number}\n")
    running = subprocess.Popen(
        [TOKENGUARD, "scan", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        time.sleep(0.5)
        for _ in range(100):
            if b"scan" in b"".join(_children(running.pid)):
                break
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        out, errors = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130
    assert errors.count(b"error:") == 1
    assert b"Traceback" not in out + errors
    for _ in range(100):  # one that has ended may wait for its new parent
        if not _is_there(running.pid):
            break
        time.sleep(0.05)
    assert not _is_there(running.pid)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _children(pid: int) -> list[bytes]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return (
        [Path(f"/proc/{child}/cmdline").read_bytes() for child in listed.read_text().split()]
        if listed.exists()
        else [b"scan"]
    )
