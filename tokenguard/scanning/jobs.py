"""The ways to run a scan: of paths, of what is staged, of a history, of a push, of a stream."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

from tokenguard.domain.finding import Report
from tokenguard.errors import InputError
from tokenguard.files import read_limited, shown
from tokenguard.frozen import Frozen
from tokenguard.scanning.files import Named, named_files, read_named
from tokenguard.scanning.git import Git, find_git
from tokenguard.scanning.history import Item, find_history, find_pushed, read_items
from tokenguard.scanning.scanner import Stages, Suppressor, Tagger, merged, scan
from tokenguard.scanning.sharing import parts_of, shared
from tokenguard.scanning.source import MAX_BYTES, Blob, Source
from tokenguard.scanning.staged import read_index, read_staged

_SCISSORS = re.compile(rb"^(\S) -{24} >8 -{24}\n\1 [^\n]+\n\1 [^\n]+\n(?=diff )", re.MULTILINE)
"""What `commit -v` puts above its diff, which is not part of the message and shows what was taken out too."""

_HISTORY_PARTS = 32
"""Each begins with a process of git's."""
_Item = TypeVar("_Item")


class Job(Frozen, frozen=True, kw_only=True):
    """How to scan, whatever is scanned."""

    stages: Stages
    suppressor: Suppressor
    notes: tuple[str, ...] = ()
    watch: Callable[[Blob], object] | None = None
    """Is shown every content before it is scanned."""

    def paths(self, paths: Sequence[Path]) -> Report:
        """Files and directories; InputError if one does not exist."""

        def scan_part(part: Sequence[Named], tagger: Tagger) -> Report:
            return scan(self._watched(read_named(part)), self.stages, self.suppressor, tagger=tagger)

        return self._shared(parts_of(list(named_files(paths))), scan_part)

    def staged(self, directory: Path) -> Report:
        """What the next commit changes."""
        return self._run(read_staged(_repository(directory)))

    def index(self, directory: Path, paths: Sequence[str]) -> Report:
        """The index's version of `paths`; InputError if none of them could be read."""
        report = self._run(read_index(_repository(directory), paths))
        if report.files == 0 and any(skipped.reason == "not-in-index" for skipped in report.skipped):
            raise InputError(
                "files were named and none of them could be read from the index",
                hint="run it from the top of the repository, with names relative to it",
            )
        return report

    def history(self, directory: Path, since: str = "") -> Report:
        """Every content of every commit, or of those after `since`."""
        git = _repository(directory)
        return self._versions(git, find_history(git, since))

    def pushed(self, directory: Path, updates: Iterable[str]) -> Report:
        """What a push brings."""
        git = _repository(directory)
        return self._versions(git, find_pushed(git, updates))

    def message(self, path: Path) -> Report:
        """The message of a commit that is about to be made, without the diff that `commit -v` shows below it.

        Raises:
            InputError: the file cannot be read.
        """
        try:
            data = read_limited(path, MAX_BYTES)
        except OSError:
            raise InputError(f"cannot read {shown(path)}", hint="name the file that git gives the hook") from None
        found = _SCISSORS.search(data)
        return self._run(iter([Blob(path="(commit message)", data=data[: found.start()] if found else data)]))

    def stream(self, data: bytes) -> Report:
        """Bytes from standard input; InputError beyond the cap, since a stream cannot be skipped in part."""
        if len(data) > MAX_BYTES:
            raise InputError(f"more than {MAX_BYTES:,} bytes on standard input", hint="scan it in parts, or as a file")
        return self._run(iter([Blob(path="(stdin)", data=data)]))

    def _versions(self, git: Git, groups: list[list[Item]]) -> Report:
        """A history: of each file one version after another, most of which hold nothing new."""
        from tokenguard.scanning.passing import Passing  # noqa: PLC0415 - the hook of a commit has no use for it

        def scan_part(part: Sequence[list[Item]], tagger: Tagger) -> Report:
            sources = self._watched(read_items(git, chain.from_iterable(part)))
            return scan(sources, self.stages, self.suppressor, tagger=tagger, judge=Passing(self.stages).judged)

        return self._shared(parts_of(groups, _HISTORY_PARTS), scan_part)

    def _shared(self, parts: list[Sequence[_Item]], scan_part: Callable[[Sequence[_Item], Tagger], Report]) -> Report:
        """In two processes where it pays."""
        tagger = Tagger()
        if self.suppressor.learns or self.watch is not None:
            return merged([scan_part(part, tagger) for part in parts], self.notes)
        return merged(shared(parts, lambda part: scan_part(part, tagger)), self.notes)

    def _run(self, sources: Iterator[Source]) -> Report:
        return scan(self._watched(sources), self.stages, self.suppressor, self.notes)

    def _watched(self, sources: Iterator[Source]) -> Iterator[Source]:
        for source in sources:
            if self.watch is not None and isinstance(source, Blob):
                self.watch(source)
            yield source


def _repository(directory: Path) -> Git:
    git = find_git(directory)
    if git is None:
        raise InputError("this is not a git repository", hint="run it inside one, or name files to scan")
    return git
