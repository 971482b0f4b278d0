"""The folder of a manifest, opened once: only regular files below it are read, and no link is followed."""

import errno
import os
import re
import stat
from pathlib import Path
from typing import Self

from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.posix import COMMON_FLAGS, IS_POSIX, NO_LINK, open_to_read

MAX_FILE = 1 << 20
MAX_TOTAL = 4 << 20
MAX_FILES = 100
_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/){0,8}[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.ya?ml", re.ASCII)
_WHY = {
    errno.ENOENT: "the file does not exist",
    errno.EISDIR: "it is not a regular file",
    errno.ELOOP: "it is a symbolic link, or its path goes through one",
    errno.ENOTDIR: "it is a symbolic link, or its path goes through one",
}
_FOLDER: int = os.O_RDONLY | COMMON_FLAGS | getattr(os, "O_DIRECTORY", 0)


def is_path(text: str) -> bool:
    """Whether it is a plain relative path of a YAML file: no `..`, no URL, nothing to be looked up or matched."""
    return len(text) <= 200 and _PATH.fullmatch(text) is not None  # noqa: PLR2004 - longer is not a file of a person's


class Unreadable(Exception):
    """A file cannot be taken; the text says why, and holds nothing of the file."""


class _Top:
    """The opened folder; OSError if there is none. Windows cannot open one: there each part of a path is looked at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = os.open(folder, _FOLDER) if IS_POSIX else -1
        if not IS_POSIX and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    def open(self, parts: list[str]) -> int:
        """A descriptor of a file below; OSError for a link on the way."""
        if not IS_POSIX:
            for number in range(1, len(parts)):
                if self._folder.joinpath(*parts[:number]).is_symlink():
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            return open_to_read(self._folder.joinpath(*parts), follow=False)
        folder = os.dup(self._descriptor)
        try:
            for part in parts[:-1]:
                below = os.open(part, _FOLDER | NO_LINK, dir_fd=folder)
                os.close(folder)
                folder = below
            return os.open(parts[-1], os.O_RDONLY | COMMON_FLAGS | NO_LINK, dir_fd=folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let it go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)


class Folder:
    """Reads files of one folder and those below it, within a common limit of bytes and of files.

    Args:
        manifest: the manifest; its folder is opened, and its own name is the first that may be read.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, manifest: Path) -> None:
        self.first = manifest.name
        self.read_so_far: list[str] = []
        self._left = MAX_TOTAL
        try:
            self._top = _Top(manifest.parent)
        except OSError:
            raise InputError(
                f"cannot read {shown(manifest)}: there is no folder {shown(manifest.parent)}",
                hint="give a manifest that exists",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._top.close()

    def read(self, relative: str) -> bytes:
        """The bytes of one file; Unreadable if it is missing, no plain file, reached through a link, or too much."""
        if len(self.read_so_far) >= MAX_FILES:
            raise Unreadable(f"more than {MAX_FILES} files")
        try:
            with os.fdopen(self._top.open(relative.split("/")), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Unreadable("it is not a regular file")
                data = file.read(MAX_FILE + 1)
        except OSError as error:
            raise Unreadable(_WHY.get(error.errno or 0, "it may not be read")) from None
        if len(data) > MAX_FILE:
            raise Unreadable(f"it is larger than {MAX_FILE:,} bytes")
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(f"all files together are larger than {MAX_TOTAL:,} bytes")
        self.read_so_far.append(relative)
        return data
