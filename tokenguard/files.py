"""Private files and folders: 0600 and 0700, created with O_EXCL and O_NOFOLLOW, durable when a call returns."""

import contextlib
import errno
import os
import stat
from pathlib import Path

from tokenguard.errors import InputError, TokenguardError, Unreachable
from tokenguard.posix import COMMON_FLAGS, IS_POSIX, NO_LINK, open_to_read, require_posix, set_mode, user_id
from tokenguard.text import safe_text

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
_OTHERS = 0o077
_WHY_UNREADABLE = {
    errno.ENOENT: "it does not exist",
    errno.EISDIR: "it is a directory",
    errno.ENOTDIR: "a part of its path is not a directory",
    errno.ELOOP: "it is a symbolic link, or links in its path form a loop",
    errno.ENAMETOOLONG: "its name is too long",
}
DISK_TROUBLES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the limit for the size of a file is exceeded",
    errno.EIO: "reading or writing failed",
}
"""Reasons for which no other name of a file would help."""
OTHER_PLACE = "give a file in a directory that you can write to"


def shown(path: Path) -> str:
    """A path as it may be printed."""
    return safe_text(str(path), one_line=True, limit=200)


def shell_word(path: Path) -> str:
    """A path as a command in a hint names it: one word of the shell, also with spaces."""
    import shlex  # for what fails only: it loads `re`

    return shlex.quote(shown(path))


def expanded(text: str) -> Path:
    """A path that may begin with `~` or `~USER`; InputError if that has no home directory."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise InputError(f"there is no home directory for {shown(Path(text))}", hint="write an absolute path") from None


def resolved(path: Path) -> Path:
    """Where a path leads; of links in a circle as far as they lead, where pathlib's raises RuntimeError."""
    return Path(os.path.realpath(path))


def make_private_dir(path: Path) -> None:
    """Create `path` (and missing parents) as 0700, or check that it is ours and closed to others."""
    _make_missing(path)
    check_private_dir(path)


def _make_missing(path: Path) -> None:
    missing = [part for part in (path, *path.parents) if not os.path.lexists(part)]
    for part in reversed(missing):
        with contextlib.suppress(FileExistsError):
            part.mkdir(mode=PRIVATE_DIR)
            fsync_dir(part.parent)


def check_private_dir(path: Path) -> None:
    """Refuse a directory that others could write to, or swap: ours, 0700 after repair, no writable ancestor.

    One with a file that others may use is not repaired: they would lose it.

    A sticky root-owned ancestor such as a temp dir is fine: others cannot rename what is ours there.
    """
    require_posix("a directory that is closed to others")
    info = os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        raise InputError(f"not a directory: {shown(path)}", hint="give a directory that you own")
    if info.st_uid != user_id():
        raise InputError(f"the directory belongs to another user: {shown(path)}", hint="give a directory that you own")
    if info.st_mode & _OTHERS:
        if info.st_mode & stat.S_ISVTX or any(os.lstat(each).st_mode & _OTHERS for each in path.iterdir()):
            raise InputError(
                f"others use this directory: {shown(path)}",
                hint=f"name a directory for this alone, or close it to all others: chmod 700 {shell_word(path)}",
            )
        path.chmod(PRIVATE_DIR)
    for parent in resolved(path).parents:
        above = parent.stat()
        if above.st_uid not in {0, user_id()}:
            raise InputError(
                f"the directory above belongs to another user: {shown(parent)}",
                hint="choose a place where every directory above belongs to you or to root",
            )
        if above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX:
            raise InputError(
                f"others can replace what is in the directory above: {shown(parent)}",
                hint=f"chmod go-w {shell_word(parent)}, or choose a place below your home",
            )


def check_private_file(path: Path) -> None:
    """Refuse anything but a regular file of ours with one name, closed to others."""
    require_posix("a file that is closed to others")
    info = os.lstat(path)
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1 or info.st_uid != user_id():
        raise InputError(
            f"not a regular file that you own: {shown(path)}",
            hint="links, devices and other people's files are refused; name the file itself, as its owner",
        )
    if info.st_mode & _OTHERS:
        raise InputError(f"others can read or write {shown(path)}", hint=f"chmod 600 {shell_word(path)}")


def create_private(path: Path, data: bytes) -> None:
    """Create a new 0600 file; FileExistsError if anything is there."""
    write_new(path, data)
    fsync_dir(path.parent)


def private_secret(path: Path, size: int, *, what: str, hint: str, create: bool) -> bytes:
    """Read a private file with base64 of so many random bytes, or create it.

    Args:
        path: the file.
        size: bytes.
        what: names the file's content in errors: `a publisher's key`.
        hint: which file to give.
        create: whether a file that does not exist is created; a mistyped name would be a new key otherwise.

    Raises:
        InputError: it does not exist, is not private, or holds something else.
    """
    import binascii  # few commands have such a file
    import secrets

    if not os.path.lexists(path):
        if not create:
            raise InputError(f"there is no file {shown(path)}", hint=f"{hint}, or create {what} with --create-key")
        _make_missing(path.absolute().parent)
        create_private(path, binascii.b2a_base64(secrets.token_bytes(size)))
    check_private_file(path)
    try:
        data = binascii.a2b_base64(read_limited(path, 4096).strip(), strict_mode=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != size:
        raise InputError(f"not {what}: {shown(path)}", hint=hint)
    return data


def read_limited(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; InputError beyond, OSError as the system says."""
    descriptor = open_to_read(path)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"not a plain file: {shown(path)}", hint="name a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputError(f"{shown(path)} is larger than {limit:,} bytes", hint="check that it is the right file")
    return data


def read_named(path: Path, limit: int, *, hint: str, instead: str = "") -> bytes:
    """Read a file named by the operator, as `read_limited`; InputError with this hint if it cannot be read.

    Args:
        path: the file.
        limit: the most bytes that it may have.
        hint: what to do.
        instead: what to call a path that leads nowhere, if the file holds a secret: it may be that secret, given in
            place of its file.
    """
    try:
        return read_limited(path, limit)
    except OSError as error:
        raise unreadable(path, error, hint=hint, instead=instead) from None


def unreadable(path: Path, error: OSError, *, hint: str, instead: str = "") -> InputError:
    """The refusal for a file that could not be read; as for `read_named`."""
    named = instead if instead and not os.path.lexists(path) else shown(path)
    return InputError(f"cannot read {named}: {why_unreadable(error)}", hint=hint)


def why_unreadable(error: OSError) -> str:
    """Why the system did not let a file be read, to follow its name."""
    return _WHY_UNREADABLE.get(error.errno or 0, "the system does not allow it")


def not_written(path: Path, error: OSError, *, hint: str = OTHER_PLACE) -> TokenguardError:
    """The refusal for a file that could not be written: Unreachable if the disk is full or fails, else InputError.

    Args:
        path: the file.
        error: what the system said.
        hint: what to do unless the disk is the reason, or a file that is there already.
    """
    if isinstance(error, FileExistsError):
        return InputError(f"{shown(path)} exists already", hint="name a new file")
    why = DISK_TROUBLES.get(error.errno or 0)
    if why is None:
        return InputError(f"cannot write {shown(path)}", hint=hint)
    return Unreachable(f"cannot write {shown(path)}: {why}", hint="fix that, then run the command again")


def fsync_dir(path: Path) -> None:
    """Make the names in a directory durable; on Windows they are so without it."""
    if not IS_POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Create a new file; its content is durable when this returns, its name once the directory is synced.

    If the system refuses to write, no file remains, and the OSError names it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | COMMON_FLAGS
    descriptor = os.open(path, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            set_mode(descriptor, mode)  # restore the bits removed by the umask
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        error.filename = str(path)
        raise
