"""Writes an output file privately and atomically, replacing an older one of the same name."""

import os
import re
import stat
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.file_replacement import check_kept, replace_kept
from tokenguard.files import OTHER_PLACE, not_written, shown

_OPENING = 4096
"""Bytes of a page in which its kind is written."""
_TITLE = re.compile(rb"<title>[^<:]*")


def save_page(path: Path, text: str, *, force: bool | None = None) -> None:
    """Write `text` to `path`: a new file with mode 0600, one that is there with the mode and owner that it has.

    Args:
        path: the file.
        text: the page.
        force: also replace a file that is not an earlier page of the same kind; None: the command has no such option.

    Raises:
        InputError: it cannot be written there, something that is not a plain file is in the way, or the file is of
            another kind.
        Unreachable: the disk is full or fails.
    """
    check_page(path)
    if not force:
        check_kind(path, text, force=force)
    try:
        replace_kept(path, text.encode())
    except OSError as error:
        raise not_written(path, error) from None


def check_page(path: Path) -> None:
    """Refuse a path, with an InputError, before work is done for what could not be written there in the end."""
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise InputError(f"not a regular file: {shown(path)}", hint="give a new file, or one that may be replaced")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise _cannot_write(path)
    check_kept(path)


def check_kind(path: Path, opening: str, *, force: bool | None = None) -> None:
    """Refuse, with an InputError, to replace a file that does not begin as the page does; an empty one is replaced.

    Args:
        path: the file.
        opening: at least the first line of the page.
        force: None if the command has no option of this name, which the hint would give.
    """
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            there = file.read(_OPENING)
    except OSError:
        raise _cannot_write(path) from None
    if there and _kind(there) != _kind(opening.encode()[:_OPENING]):
        raise InputError(
            f"{shown(path)} exists and is not an earlier version of this document",
            hint="name another file" if force is None else "name another file, or give --force to replace it",
        )


def _kind(opening: bytes) -> bytes:
    """What a page is, by its beginning: the title of HTML, the first key of JSON, else the first line up to a name."""
    if opening.lstrip()[:1] == b"<":
        found = _TITLE.search(opening)
        return found[0] if found else b""
    if opening[:1] == b"{":
        return b"{" + opening[1:].lstrip().partition(b":")[0]
    return opening.partition(b"\n")[0].partition(b"`")[0].strip()


def _cannot_write(path: Path) -> InputError:
    return InputError(f"cannot write {shown(path)}", hint=OTHER_PLACE)
