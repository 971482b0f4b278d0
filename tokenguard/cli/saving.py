"""Writes a page that a person asked for, private and whole, over an older one of the same name."""

import os
import stat
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import replace_file, shown


def save_page(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600.

    Raises:
        InputError: it cannot be written there, or something that is no plain file is in the way.
    """
    try:
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            raise InputError(f"not a plain file: {shown(path)}", hint="name a new file, or one to be replaced")
        replace_file(path, text.encode())
    except OSError:
        raise InputError(f"cannot write {shown(path)}", hint="name a file in a directory of yours") from None
