"""The folder of a manifest, opened once: only regular files below it are read, and no link is followed."""

import errno
import os
import re
import stat
from pathlib import Path
from typing import Self

from tokenguard.errors import InputError
from tokenguard.files import shown

MAX_FILE = 1 << 20
MAX_TOTAL = 4 << 20
MAX_FILES = 100
_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/){0,8}[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.ya?ml", re.ASCII)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WHY = {
    errno.ENOENT: "the file does not exist",
    errno.EISDIR: "it is not a regular file",
    errno.ELOOP: "it is a link, or below one",
    errno.ENOTDIR: "it is a link, or below one",
}
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def is_path(text: str) -> bool:
    """Whether it is a plain relative path of a YAML file: no `..`, no URL, nothing to be looked up or matched."""
    return len(text) <= 200 and _PATH.fullmatch(text) is not None  # noqa: PLR2004 - longer is no file of a person's


class Unreadable(Exception):
    """A file cannot be taken; the text says why, and holds nothing of the file."""


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
            self._top = os.open(manifest.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            raise InputError(
                f"cannot read {shown(manifest)}: there is no folder {shown(manifest.parent)}",
                hint="give a manifest that exists",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._top)

    def read(self, relative: str) -> bytes:
        """The bytes of one file; Unreadable if it is missing, no plain file, reached through a link, or too much."""
        if len(self.read_so_far) >= MAX_FILES:
            raise Unreadable(f"more than {MAX_FILES} files")
        try:
            data = self._read(relative.split("/"))
        except OSError as error:
            raise Unreadable(_WHY.get(error.errno or 0, "it may not be read")) from None
        if len(data) > MAX_FILE:
            raise Unreadable(f"it is larger than {MAX_FILE:,} bytes")
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(f"all files together are larger than {MAX_TOTAL:,} bytes")
        self.read_so_far.append(relative)
        return data

    def _read(self, parts: list[str]) -> bytes:
        folder = os.dup(self._top)
        try:
            for part in parts[:-1]:
                below = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = below
            descriptor = os.open(parts[-1], _FILE, dir_fd=folder)
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("it is not a regular file")
            return file.read(MAX_FILE + 1)
