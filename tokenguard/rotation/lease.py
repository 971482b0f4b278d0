"""Leases: which runner holds something, as `host/pid/nonce`, and whether it is still running.

One rule for every command that meets the open operation of another runner. A wrong answer is safe: every write is
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
"""What the start of a process, which the system tells in parts of a second since the boot, may be off."""


def is_abandoned(journal: Journal, now: datetime, *, longest_step: timedelta) -> bool:
    """Whether the runner of an open operation has stopped: it said so, its process is gone, or it is silent too long.

    Args:
        journal: of the open operation.
        now: the time.
        longest_step: for how long a step at this provider may write nothing.
    """
    silent = now - journal.updated_at > PATIENCE + longest_step
    return bool(journal.waiting_for) or silent or is_runner_dead(journal.holder)


def is_runner_dead(holder: str) -> bool:
    """Whether a runner was a process of this machine, and is none any more. Of other machines nothing is known."""
    pid = _here(holder)
    return pid is not None and not _exists(pid)


def is_runner_dead_or_earlier(holder: str) -> bool:
    """The same, or an earlier runner of this very process, which has ended without saying so."""
    return is_runner_dead(holder) or _here(holder) == os.getpid()


def is_at_work(journal: Journal) -> bool:
    """Whether the runner of an open operation is another process of this machine that is there, and has not stopped."""
    pid = _here(journal.holder)
    if pid is None or pid == os.getpid() or journal.waiting_for or journal.stage.ended or not _exists(pid):
        return False
    began = _began(pid)  # an id is given away again: a process that is younger than the journal is another one
    return began is None or began <= journal.updated_at + _ROUNDED


def pid_of(holder: str) -> str:
    """The process of a runner."""
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
    """When a process began; None where the system does not say."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return datetime.fromtimestamp(int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK"), tz=UTC)
    return None
