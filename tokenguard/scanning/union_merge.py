"""Lets git merge the baselines of two branches: by an attribute, since both may add lines at the same place."""

import os
import stat
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import read_limited, replace_kept
from tokenguard.scanning.git import find_git

ATTRIBUTES = ".gitattributes"
_READABLE = 0o644
_MAX_BYTES = 1 << 20


def set_union_merge(file: Path) -> bool:
    """Add the attribute for a file at the top of its repository.

    Returns:
        Whether it was added now; False also where it is set to something, or `.gitattributes` is not a plain file.
    """
    git = find_git(file.absolute().parent)
    if git is None:
        return False
    try:
        answer = git.output("check-attr", "-z", "merge", "--", file.name)
    except InputError:  # without a working tree
        return False
    place = file.absolute().parent / ATTRIBUTES
    if not answer.endswith(b"\0unspecified\0") or (
        os.path.lexists(place) and not stat.S_ISREG(os.lstat(place).st_mode)
    ):
        return False
    before = read_limited(place, _MAX_BYTES) if place.exists() else b""
    line_end = b"\n" if before and not before.endswith(b"\n") else b""
    replace_kept(place, before + line_end + f"/{file.name} merge=union\n".encode(), fresh=_READABLE)
    return True
