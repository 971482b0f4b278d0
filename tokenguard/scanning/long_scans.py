"""Scans that may be long, of trees and histories: in parts, which two processes share where it pays."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

from tokenguard.detection.reading_by_name import reading_by_name
from tokenguard.domain.finding import Report
from tokenguard.frozen import Frozen
from tokenguard.scanning.content import Blob, watched
from tokenguard.scanning.file_walk import Named, named_files, read_named
from tokenguard.scanning.git import Git
from tokenguard.scanning.history import find_history, find_outgoing, find_pushed
from tokenguard.scanning.scan_budget import ScanBudget
from tokenguard.scanning.scanner import Stages, Suppressor, Tagger, merged, scan
from tokenguard.scanning.skip_clean import judge_for
from tokenguard.scanning.skip_unchanged import Passing
from tokenguard.scanning.versions import Item, read_items, size_of
from tokenguard.scanning.worker_processes import parts_by_size, parts_of, shared

_HISTORY_PARTS = 32
"""Each begins with a process of git's."""
_Item = TypeVar("_Item")


class LongScan(Frozen, frozen=True, kw_only=True):
    """The settings of a scan, for any kind of content."""

    stages: Stages
    suppressor: Suppressor
    notes: tuple[str, ...]
    watch: Callable[[Blob], object] | None
    tagger: Tagger | None = None
    """Makes the tags of findings; None: one for this run."""

    def paths(self, paths: Sequence[Path]) -> Report:
        """Files and directories; InputError if one does not exist."""

        def scan_part(part: Sequence[Named], tagger: Tagger, budget: ScanBudget) -> Report:
            sources = watched(read_named(part), self.watch)
            judge = judge_for(self.stages)
            return scan(sources, self.stages, self.suppressor, tagger=tagger, judge=judge, budget=budget)

        return self._shared(parts_of(list(named_files(paths))), scan_part)

    def history(self, git: Git, since: str) -> Report:
        """Every content of every commit, or of those after `since`; InputError if it names nothing."""
        return self._versions(git, find_history(git, since, self._reading))

    def pushed(self, git: Git, updates: Iterable[str]) -> Report:
        """What a push brings; InputError if that is not told as git tells it."""
        return self._versions(git, find_pushed(git, updates, self._reading))

    def outgoing(self, git: Git, updates: Iterable[str], remote: str) -> Report:
        """What a push would publish; InputError as above."""
        return self._versions(git, find_outgoing(git, updates, remote, self._reading))

    def _reading(self, path: str) -> Hashable:
        """What of a path decides what is found: also what a repository leaves out, and what its baseline accepts."""
        narrowing = self.stages.narrowing
        excluded = narrowing is not None and narrowing.excludes(path)
        return reading_by_name(path), excluded, path if self.suppressor.lists(path) else ""

    def _versions(self, git: Git, groups: list[list[Item]]) -> Report:
        """Of each file one version after another, most of which hold nothing new."""

        def scan_part(part: Sequence[list[Item]], tagger: Tagger, budget: ScanBudget) -> Report:
            sources = watched(read_items(git, chain.from_iterable(part)), self.watch)
            judge = Passing(self.stages).judged
            return scan(sources, self.stages, self.suppressor, tagger=tagger, judge=judge, once=True, budget=budget)

        sizes = [size_of(group) for group in groups]
        return self._shared(parts_by_size(groups, sizes, _HISTORY_PARTS), scan_part, known=sum(sizes))

    def _shared(
        self,
        parts: list[Sequence[_Item]],
        scan_part: Callable[[Sequence[_Item], Tagger, ScanBudget], Report],
        known: int = 0,
    ) -> Report:
        tagger, budget = self.tagger or Tagger(), ScanBudget()
        if self.suppressor.learns or self.watch is not None:  # who keeps what it sees has to see everything
            return merged([scan_part(part, tagger, budget) for part in parts], self.notes)
        reports = shared(parts, lambda part, left: scan_part(part, tagger, left), budget, known=known)
        return merged(reports, self.notes)
