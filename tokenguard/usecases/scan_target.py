"""The target of `scan`: paths, the index, a history, a stream or a message."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tokenguard.agents.agent_registry import AGENTS, agent
from tokenguard.domain.finding import Report
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.places import home_dir
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.content import MAX_BYTES
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.push_status import with_reach
from tokenguard.scanning.root_paths import RootPaths, root_of
from tokenguard.scanning.transcripts import TranscriptEntry, scan_transcripts


class ScanTarget(Frozen, frozen=True, kw_only=True):
    """The target options; InputError if there is more than one."""

    agents: tuple[TranscriptEntry, ...] | None = None
    """What coding agents keep on this machine, if that is to be scanned."""

    paths: tuple[Path, ...] = ()
    staged: bool = False
    history: bool = False
    since: str = ""
    stdin: bool = False
    message: Path | None = None

    def __post_init__(self) -> None:
        history = self.history or bool(self.since)
        other = (self.message is not None, self.agents is not None)
        if sum((bool(self.paths), self.staged, history, self.stdin, *other)) > 1:
            raise InputError(
                "more than one scan target",
                hint="give paths, --staged, --history (--since), --stdin, --commit-msg or --agents",
            )

    @property
    def directories(self) -> tuple[Path, ...]:
        """The repositories whose settings apply; a stream belongs to none, nor do transcripts."""
        if self.stdin or self.agents is not None:
            return ()
        return directories_of(self.paths)

    @property
    def is_named_by_git(self) -> bool:
        """Whether git names the files."""
        return self.staged or self.history or bool(self.since)

    @property
    def base(self) -> Path:
        """The directory to which the paths of the report are relative: git names files from the top."""
        return root_of(Path().absolute()) if self.is_named_by_git else Path().absolute()

    @property
    def paths_in_repository(self) -> RootPaths:
        """Translate the paths of the report to those that a code host knows."""
        return RootPaths(root=root_of(Path().absolute()), base=self.base)

    def scanned(self, job: ScanJob, read_stdin: Callable[[int], bytes]) -> tuple[Report, Reach]:
        """Scan it, with a reader of standard input; also returns how far its content was pushed."""
        if self.stdin:
            return job.stream(read_stdin(MAX_BYTES + 1)), Reach.STREAM
        if self.agents is not None:
            return scan_transcripts(self.agents, job.stages, job.notes), Reach.TRANSCRIPT
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


def agent_records(environ: Mapping[str, str]) -> tuple[TranscriptEntry, ...]:
    """Where the coding agents of this user keep transcripts and caches, by their documentation."""
    home = home_dir()
    known = map(agent, AGENTS)
    return tuple(TranscriptEntry(agent=each.name, path=path) for each in known for path in each.records(home, environ))
