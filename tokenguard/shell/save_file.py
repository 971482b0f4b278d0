"""Writes an output file privately and atomically, replacing an older one of the same name."""

import os
import stat
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import check_kept, replace_kept, shown


def save_page(path: Path, text: str) -> None:
    """Write `text` to `path`: a new file with mode 0600, one that is there with the mode and owner that it has.

    Raises:
        InputError: it cannot be written there, or something that is no plain file is in the way.
    """
    check_page(path)
    try:
        replace_kept(path, text.encode())
    except OSError:
        raise _cannot_write(path) from None


def check_page(path: Path) -> None:
    """Refuse a path, with an InputError, before work is done for what could not be written there in the end."""
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise InputError(f"not a regular file: {shown(path)}", hint="name a new file, or one to be replaced")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise _cannot_write(path)
    check_kept(path)


def _cannot_write(path: Path) -> InputError:
    return InputError(f"cannot write {shown(path)}", hint="give a file in a directory that you can write to")
