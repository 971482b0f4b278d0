"""Files of a working tree: what git tracks or would track, or everything below a directory."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenguard.domain.finding import SkippedContent
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.posix import open_to_read
from tokenguard.scanning.content import MAX_BYTES, Blob, Source
from tokenguard.scanning.git import find_git
from tokenguard.scanning.windows import LARGEST, read_windows

_PIECE = 1 << 20
Named = SkippedContent | tuple[str, bool]
"""A file's name and whether to follow it if it is a link, or why there is nothing to read."""


def read_paths(paths: Iterable[Path]) -> Iterator[Source]:
    """The files that `paths` name: directories as git sees them, or whole where there is no git.

    Raises:
        InputError: a path does not exist.
    """
    return read_named(named_files(paths))


def named_files(paths: Iterable[Path]) -> Iterator[Named]:
    """The names of those files. Raises InputError as above."""
    for path in paths:
        if not os.path.lexists(path):
            raise InputError(f"there is no {shown(path)}", hint="name files or directories that exist")
        if path.is_dir():
            yield from _below(path)
        else:
            yield str(path), True


def read_named(names: Iterable[Named]) -> Iterator[Source]:
    """Their contents; of a link that is not followed where it leads to, which is what git keeps of it."""
    for each in names:
        if isinstance(each, SkippedContent):
            yield each
            continue
        source = read_file(each[0], follow=each[1])
        if isinstance(source, SkippedContent) and source.reason == "too-large":
            yield from _large(source, each[0], follow=each[1])
        else:
            yield _link(source) if isinstance(source, SkippedContent) and source.reason == "symlink" else source


def _link(skipped: SkippedContent) -> Source:
    try:
        return Blob(path=skipped.path, data=os.fsencode(Path(skipped.path).readlink()))
    except OSError:  # it was one until now, or a named one leads nowhere
        return skipped


def read_file(path: Path | str, *, follow: bool = False) -> Source:
    """One regular file, or why it was not read. Never waits for a FIFO or a device."""
    name = os.path.normpath(path)
    try:
        descriptor = open_to_read(path, follow=follow)
    except OSError as error:
        return SkippedContent(path=name, reason="symlink" if error.errno == errno.ELOOP else "unreadable")
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            return SkippedContent(path=name, reason=_no_file(descriptor, info))
        data = _content(descriptor, info.st_size) if info.st_size <= MAX_BYTES else None
    except OSError:
        return SkippedContent(path=name, reason="unreadable")
    finally:
        os.close(descriptor)
    return SkippedContent(path=name, reason="too-large") if data is None else Blob(path=name, data=data)


def _no_file(descriptor: int, info: os.stat_result) -> str:
    """Why there is no content; git lists a submodule, also one that is not checked out, like a file."""
    listed = os.listdir(descriptor) if stat.S_ISDIR(info.st_mode) else ["other"]
    return "submodule" if not listed or ".git" in listed else "not-a-file"


def _large(skipped: SkippedContent, path: str, *, follow: bool) -> Iterator[Source]:
    """The windows of a file that is too large to be read at once."""
    try:
        with os.fdopen(open_to_read(path, follow=follow), "rb", buffering=0) as file:
            info = os.fstat(file.fileno())
            if info.st_size > LARGEST or not stat.S_ISREG(info.st_mode):
                yield skipped
            else:
                yield from read_windows(file.read, skipped.path)
    except OSError:
        yield SkippedContent(path=skipped.path, reason="unreadable")


def _content(descriptor: int, size: int) -> bytes | None:
    """Everything, though the file may have grown or hide its size; None if it is more than the limit."""
    data = os.read(descriptor, size + 1)
    if len(data) == size and size:
        return data
    pieces, total = [data], len(data)
    while total <= MAX_BYTES:
        piece = os.read(descriptor, _PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        total += len(piece)
    return None


def _below(directory: Path) -> Iterator[Named]:
    git = find_git(directory)
    if git is None:
        yield from _listed(str(directory))
        return
    try:
        listing = git.output("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    except InputError:
        git.require_tree()
        raise
    if not listing and git.succeeds("check-ignore", "--quiet", "."):  # it was named all the same
        yield from _listed(str(directory))
    for name in sorted(listing.split(b"\0")):
        if name:
            path = f"{directory}/{os.fsdecode(name)}"  # a Path for each file would cost as much as reading it
            if os.path.lexists(path):  # deleted in the working tree, still in the index
                yield path, False


def whole_tree(directory: Path) -> Iterator[Named]:
    """Every file below a directory, whether git would track it or not, and folders that cannot be read."""
    return _listed(str(directory))


def walk(directory: Path) -> Iterator[Path]:
    """Every file below a directory, in order, but those of git itself."""
    return (Path(each[0]) for each in _listed(str(directory)) if not isinstance(each, SkippedContent))


def _listed(directory: str) -> Iterator[Named]:
    """Each folder's files by name, then its folders: on a stack, since a tree may be deeper than Python's own."""
    folders = [directory]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted((entry.name, entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except OSError:
            yield SkippedContent(path=os.path.normpath(folder), reason="unreadable")
            continue
        yield from ((path, False) for _, path, is_folder in found if not is_folder)
        folders.extend(path for name, path, is_folder in reversed(found) if is_folder and name != ".git")
