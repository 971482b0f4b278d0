"""The baseline of a scan: the file that was named, else the one at the top of each scanned repository."""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.scanning.root_paths import RootPaths, root_of, top_of
from tokenguard.scanning.scanner import Suppressor

if TYPE_CHECKING:
    from tokenguard.detection.match import TextMatch

NAME = ".tokenguard-baseline"


def find_suppressor(
    directories: Iterable[Path],
    *,
    base: Path,
    now: datetime,
    given: Path | None = None,
    wanted: bool = True,
    by_git: bool = False,
) -> Suppressor:
    """What a scan passes over.

    Args:
        directories: of the repositories that are scanned.
        base: the directory to which the scan's paths are relative.
        now: decides which entries have expired.
        given: a baseline file to use in place of the repositories' own.
        wanted: False uses none.
        by_git: whether git names the files of the scan, which it does from the top.

    Raises:
        InputError: a file is missing or damaged, or a repository's own is a link.
    """
    if not wanted:
        return Suppressor()
    roots = sorted({root_of(each.absolute()) for each in directories})
    bare = by_git and not any(map(top_of, roots))
    if given is not None:
        files = [(given, next(filter(None, map(top_of, roots)), base if bare else given.absolute().parent))]
    else:
        files = [(root / NAME, root) for root in roots if os.path.lexists(root / NAME)]
    if not files:
        return Suppressor()
    from tokenguard.scanning.baseline_file import read_baseline  # most commits have none
    from tokenguard.scanning.baseline_matching import Baseline

    for file, _ in files:
        if given is None and file.is_symlink():
            raise InputError(
                f"the baseline {shown(file)} is a link",
                hint=f"put a plain file there, or give --baseline {shown(file)}",
            )
    paths = [RootPaths(root=root, base=base, has_files=not bare) for _, root in files]
    return _of([Baseline(read_baseline(file), each, now) for (file, _), each in zip(files, paths, strict=True)])


def baseline_file_of(directory: Path) -> Path:
    """Where the baseline of a directory's repository is; outside git in the directory itself."""
    return root_of(directory) / NAME


class _Several(Suppressor):
    """The baselines of several repositories."""

    def __init__(self, baselines: Sequence[Suppressor]) -> None:
        self._baselines = baselines

    def knows(self, match: "TextMatch", path: str) -> bool:
        """Whether one of them does."""
        return any(each.knows(match, path) for each in self._baselines)

    def lists(self, path: str) -> bool:
        """Whether one of them does."""
        return any(each.lists(path) for each in self._baselines)

    def facts(self, match: "TextMatch", path: str) -> dict[str, str]:
        """What one of them says."""
        return next((facts for each in self._baselines if (facts := each.facts(match, path))), {})


def _of(baselines: Sequence[Suppressor]) -> Suppressor:
    return baselines[0] if len(baselines) == 1 else _Several(baselines)
