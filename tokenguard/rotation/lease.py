"""Leases: the id of a runner (`host/pid/nonce`), and whether it is still running.

Every command that finds an open operation of another runner uses this rule. A wrong answer is safe: every write is
fenced by compare-and-set, so the slower of two runners is refused.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tokenguard.domain.journal import Journal

PATIENCE = timedelta(minutes=2)
"""How long a runner on another machine may write nothing, beyond the longest step of its provider."""
_ROUNDED = timedelta(seconds=2)
"""Tolerance for a process's start time, which the system reports relative to boot."""


def is_abandoned(journal: Journal, now: datetime, *, longest_step: timedelta) -> bool:
    """Whether the runner of an open operation has stopped: recorded as blocked, process gone, or silent for too long.

    Args:
        journal: the journal of the open operation.
        now: the current time.
        longest_step: how long a step at this provider may take without a write.
    """
    silent = now - journal.updated_at > PATIENCE + longest_step
    return bool(journal.waiting_for) or silent or is_runner_dead(journal.holder)


def is_runner_dead(holder: str) -> bool:
    """Whether a runner was a process of this machine that has ended; False for runners of other machines."""
    pid = _here(holder)
    return pid is not None and not _exists(pid)


def is_runner_dead_or_earlier(holder: str) -> bool:
    """Whether a runner is dead, or is an earlier runner of this process that ended without releasing its lease."""
    return is_runner_dead(holder) or _here(holder) == os.getpid()


def is_runner_alive(journal: Journal) -> bool:
    """Whether the runner of an open operation is another running process of this machine that is not blocked."""
    pid = _here(journal.holder)
    if pid is None or pid == os.getpid() or journal.waiting_for or journal.stage.ended or not _exists(pid):
        return False
    began = _began(pid)  # process ids are reused: one younger than the journal is another process
    return began is None or began <= journal.updated_at + _ROUNDED


def pid_of(holder: str) -> str:
    """Return the process id of a runner."""
    return holder.partition("/")[2].partition("/")[0]


def _here(holder: str) -> int | None:
    host, pid = holder.partition("/")[0], pid_of(holder)
    return int(pid) if host == os.uname().nodename and pid.isdecimal() else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _began(pid: int) -> datetime | None:
    """Return the start time of a process; None if the system does not report it."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return datetime.fromtimestamp(int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK"), tz=UTC)
    return None
