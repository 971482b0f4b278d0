"""The working tree of the current repository: read and extended without following links out of it."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.file_replacement import replace_kept
from tokenguard.files import not_written, read_limited, shown
from tokenguard.scanning.git import Git, find_git

_MOST = 1 << 20
_MODE = 0o644
_REMOTE = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+)(?::\d+/|[:/])/?(?P<path>[A-Za-z0-9_][\w./-]*?)(?:\.git)?/?",
    re.ASCII,
)


class WorkingTree:
    """One repository. Nothing in it is changed but by `write`.

    Raises:
        InputError: we stand in none.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        git = find_git(directory, environ)
        if git is None:
            raise InputError("not in a git repository", hint="begin with `git init`, or change into one")
        self._git: Git = git
        self.root = git.root

    def remote(self) -> tuple[str, str]:
        """Host and path of the remote `origin`, both empty if there is none."""
        text = self._git.output("config", "--get", "remote.origin.url", fine=(0, 1)).decode("utf-8", "replace").strip()
        found = _REMOTE.fullmatch(text)
        return (found["host"].lower(), found["path"]) if found else ("", "")

    def read(self, path: str) -> str | None:
        """The text of a file; None if there is none. InputError for anything but a plain file reached by no link."""
        place = self._place(path)
        if not os.path.lexists(place):
            return None
        if not stat.S_ISREG(place.lstat().st_mode):
            raise InputError(f"not a plain file: {shown(Path(path))}", hint="move it away; nothing was written")
        try:
            return read_limited(place, _MOST).decode()
        except UnicodeDecodeError:
            raise InputError(f"not UTF-8 text: {shown(Path(path))}", hint="move it away; nothing was written") from None

    def write(self, path: str, text: str) -> None:
        """Put a whole file in its place, with the folders above it.

        Raises:
            InputError: that cannot be done there.
            Unreachable: the disk is full or fails.
        """
        place = self._place(path)  # before any folder is made: over a link, that would be outside
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            replace_kept(place, text.encode(), fresh=_MODE)
        except OSError as error:
            raise not_written(Path(path), error, hint="make its folder writable") from None

    def _place(self, path: str) -> Path:
        """Where a file is or would be; InputError if what should be a folder above it is something else."""
        above = self.root
        for part in Path(path).parent.parts:
            above /= part
            if os.path.lexists(above) and not stat.S_ISDIR(above.lstat().st_mode):
                raise InputError(
                    f"not a folder of the repository: {shown(above.relative_to(self.root))}",
                    hint="move it away (links are not followed); nothing was written",
                )
        return self.root / path
