"""Lets git merge the baselines of two branches: by an attribute, since both may add lines at the same place."""

import os
import stat
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.file_replacement import replace_kept
from tokenguard.files import read_limited
from tokenguard.frozen import Frozen
from tokenguard.scanning.git import find_git

ATTRIBUTES = ".gitattributes"
_READABLE = 0o644
_MAX_BYTES = 1 << 20


class MergeAttribute(Frozen, frozen=True):
    """The `.gitattributes` that makes git merge a file by union, not yet written."""

    place: Path
    content: bytes

    def write(self) -> None:
        """Replace `.gitattributes`."""
        replace_kept(self.place, self.content, fresh=_READABLE)


def missing_attribute(file: Path) -> MergeAttribute | None:
    """The attribute that a file at the top of its repository lacks.

    Returns:
        None where it is set to something, without a working tree, or where `.gitattributes` is not a plain file.

    Raises:
        InputError: `.gitattributes` is too large.
    """
    git = find_git(file.absolute().parent)
    if git is None:
        return None
    try:
        answer = git.output("check-attr", "-z", "merge", "--", file.name)
    except InputError:  # without a working tree
        return None
    place = file.absolute().parent / ATTRIBUTES
    if not answer.endswith(b"\0unspecified\0") or (
        os.path.lexists(place) and not stat.S_ISREG(os.lstat(place).st_mode)
    ):
        return None
    before = read_limited(place, _MAX_BYTES) if place.exists() else b""
    line_end = b"\n" if before and not before.endswith(b"\n") else b""
    return MergeAttribute(place, before + line_end + f"/{file.name} merge=union\n".encode())
