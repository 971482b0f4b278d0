"""The ways to run a scan: of paths, of what is staged, of a history, of a push, of a stream."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.domain.finding import Report
from tokenguard.errors import InputError
from tokenguard.files import read_named
from tokenguard.frozen import Frozen
from tokenguard.scanning.content import MAX_BYTES, Blob, Source, watched
from tokenguard.scanning.git import Git
from tokenguard.scanning.scanner import Stages, Suppressor, Tagger, scan
from tokenguard.scanning.staged import read_index, read_staged

if TYPE_CHECKING:
    from tokenguard.scanning.long_scans import LongScan

_SCISSORS = re.compile(rb"^(\S) -{24} >8 -{24}\n\1 [^\n]+\n\1 [^\n]+\n(?=diff )", re.MULTILINE)
"""What `commit -v` puts above its diff, which is not part of the message and shows what was taken out too."""


class ScanJob(Frozen, frozen=True, kw_only=True):
    """The settings of a scan, for any kind of content."""

    stages: Stages
    suppressor: Suppressor
    notes: tuple[str, ...] = ()
    watch: Callable[[Blob], object] | None = None
    """Is shown every content before it is scanned."""
    tagger: Tagger | None = None
    """Makes the tags of findings; None: one for this run."""

    def paths(self, paths: Sequence[Path]) -> Report:
        """Files and directories; InputError if one does not exist."""
        return self._long().paths(paths)

    def staged(self, directory: Path) -> Report:
        """What the next commit changes."""
        return self._run(read_staged(Git(directory)))

    def given(self, staged: Iterable[tuple[str, bytes]]) -> Report:
        """What has been read of the index, by name."""
        return self._run(Blob(path=name, data=data) for name, data in staged)

    def index(self, directory: Path, paths: Sequence[str]) -> Report:
        """The index's version of `paths`; InputError if none of them could be read."""
        report = self._run(read_index(Git(directory), paths))
        if report.files == 0 and any(skipped.reason == "not-in-index" for skipped in report.skipped):
            untracked = any(os.path.lexists(directory / path) for path in paths)
            raise InputError(
                "none of the named files could be read from the index",
                hint="`git add` them first, or scan the working tree with `tokenguard scan FILE`"
                if untracked
                else "run it from the top of the repository, with names relative to it",
            )
        return report

    def history(self, directory: Path, since: str = "") -> Report:
        """Every content of every commit, or of those after `since`."""
        return self._long().history(_repository(directory), since)

    def pushed(self, directory: Path, updates: Iterable[str]) -> Report:
        """What a push brings."""
        return self._long().pushed(_repository(directory), updates)

    def outgoing(self, directory: Path, updates: Iterable[str], remote: str) -> Report:
        """What a push to a remote would publish."""
        return self._long().outgoing(_repository(directory), updates, remote)

    def message(self, path: Path) -> Report:
        """The message of a commit that is about to be made, without the diff that `commit -v` shows below it.

        Raises:
            InputError: the file cannot be read.
        """
        data = read_named(path, MAX_BYTES, hint="name the file that git gives the hook")
        found = _SCISSORS.search(data)
        return self._run(iter([Blob(path="(commit message)", data=data[: found.start()] if found else data)]))

    def stream(self, data: bytes) -> Report:
        """Bytes from standard input; InputError beyond the cap, since a stream cannot be skipped in part."""
        if len(data) > MAX_BYTES:
            raise InputError(f"more than {MAX_BYTES:,} bytes on standard input", hint="scan it in parts, or as a file")
        return self._run(iter([Blob(path="(stdin)", data=data)]))

    def _long(self) -> "LongScan":
        from tokenguard.scanning.long_scans import LongScan  # the hook of a commit has no use for it

        return LongScan(
            stages=self.stages, suppressor=self.suppressor, notes=self.notes, watch=self.watch, tagger=self.tagger
        )

    def _run(self, sources: Iterator[Source]) -> Report:
        return scan(watched(sources, self.watch), self.stages, self.suppressor, self.notes, tagger=self.tagger)


def _repository(directory: Path) -> Git:
    git = Git(directory)
    git.check()
    return git
