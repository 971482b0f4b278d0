"""Files of a working tree: what git tracks or would track, or everything below a directory."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tokenguard.domain.finding import Skipped
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.scanning.git import find_git
from tokenguard.scanning.source import MAX_BYTES, Blob, Source


def read_paths(paths: list[Path]) -> Iterator[Source]:
    """The files that `paths` name: directories as git sees them, or whole where there is no git.

    Raises:
        InputError: a path does not exist.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise InputError(f"there is no {shown(path)}", hint="name files or directories that exist")
        if path.is_dir() and not path.is_symlink():
            yield from (read_file(each) for each in _below(path))
        else:
            yield read_file(path, follow=True)


def read_file(path: Path, *, follow: bool = False) -> Source:
    """One regular file, or why it was not read. Never waits for a FIFO or a device."""
    name = os.fsdecode(os.path.normpath(path))
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        return Skipped(path=name, reason="symlink" if error.errno == errno.ELOOP else "unreadable")
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            return Skipped(path=name, reason="not-a-file")
        if info.st_size > MAX_BYTES:
            return Skipped(path=name, reason="too-large")
        try:
            data = file.read(MAX_BYTES + 1)
        except OSError:
            return Skipped(path=name, reason="unreadable")
    return Blob(path=name, data=data) if len(data) <= MAX_BYTES else Skipped(path=name, reason="too-large")


def _below(directory: Path) -> Iterator[Path]:
    git = find_git(directory)
    if git is None:
        yield from walk(directory)
        return
    listing = git.output("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    for name in sorted(listing.split(b"\0")):
        if name:
            path = directory / os.fsdecode(name)
            if os.path.lexists(path):  # deleted in the working tree, still in the index
                yield path


def walk(directory: Path) -> Iterator[Path]:
    """Every file below a directory, in order, but those of git itself."""
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (Path(folder, name) for name in sorted(names))
