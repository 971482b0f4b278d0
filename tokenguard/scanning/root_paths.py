"""Paths as a repository knows them: relative to its top, from any directory in which a scan starts."""

import os
from pathlib import Path

from tokenguard.frozen import Frozen


class RootPaths(Frozen, frozen=True, kw_only=True):
    """Translates the paths of one scan."""

    root: Path
    """The top of the repository; outside git the directory that takes its place."""
    base: Path
    """The directory to which the scan's paths are relative."""
    has_files: bool = True
    """False for a repository without a working tree."""

    def of(self, path: str) -> str:
        """A path of the scan, relative to the root. The name of a member of an archive (`a.zip!b`) stays as it is."""
        file, mark, member = path.partition("!")
        if self.base == self.root and not file.startswith("/"):
            return path  # as git names it
        return os.path.relpath(self.base.absolute() / file, self.root.absolute()) + mark + member

    def shown(self, path: str) -> str:
        """A path of the scan for a report that others read: relative to the root, if it is below it."""
        name = self.of(path)
        return path if name.startswith("../") or path.startswith("(") else name

    def exists(self, path: str) -> bool:
        """Whether the file that a path below the root names, or the archive that holds it, may be there."""
        return not self.has_files or any(os.path.lexists(self.root / each) for each in {path, path.partition("!")[0]})


def top_of(directory: Path) -> Path | None:
    """The working tree that a directory is in, found without starting git."""
    place = directory.absolute()
    return next((each for each in (place, *place.parents) if os.path.lexists(each / ".git")), None)


def root_of(directory: Path) -> Path:
    """The top of the working tree that a directory is in; outside git the directory itself."""
    return top_of(directory) or directory
