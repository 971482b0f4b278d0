"""The target of `scan`: paths, the index, a history, a stream or a message."""

import sys
from collections.abc import Iterable
from pathlib import Path

from tokenguard.domain.finding import Report
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.content import MAX_BYTES
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.push_status import with_reach
from tokenguard.scanning.root_paths import root_of


class ScanTarget(Frozen, frozen=True, kw_only=True):
    """The target options; InputError if there is more than one."""

    paths: tuple[Path, ...] = ()
    staged: bool = False
    history: bool = False
    since: str = ""
    stdin: bool = False
    message: Path | None = None

    def __post_init__(self) -> None:
        chosen = (bool(self.paths), self.staged, self.history or bool(self.since), self.stdin, self.message is not None)
        if sum(chosen) > 1:
            raise InputError(
                "more than one scan target",
                hint="give paths, --staged, --history (--since), --stdin or --commit-msg",
            )

    @property
    def directories(self) -> tuple[Path, ...]:
        """The repositories whose settings apply; a stream belongs to none."""
        if self.stdin:
            return ()
        return directories_of(self.paths)

    @property
    def base(self) -> Path:
        """The directory to which the paths of the report are relative: git names files from the top."""
        if self.staged or self.history or self.since:
            return root_of(Path().absolute())
        return Path().absolute()

    def scanned(self, job: ScanJob) -> tuple[Report, Reach]:
        """Scan it; also returns how far its content was pushed."""
        if self.stdin:
            return job.stream(sys.stdin.buffer.read(MAX_BYTES + 1)), Reach.STREAM
        if self.message is not None:
            return job.message(self.message), Reach.MESSAGE
        if self.staged:
            return job.staged(Path()), Reach.STAGED
        if self.history or self.since:
            return with_reach(job.history(Path(), self.since), Path()), Reach.PUSHED
        return job.paths(self.paths or (Path(),)), Reach.WORKTREE


def directories_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The repositories of the given paths; default: the working directory."""
    return tuple(each if each.is_dir() else each.parent for each in paths) or (Path(),)
