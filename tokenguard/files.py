"""Private, atomic, fsynced files.

0600, created with O_EXCL and O_NOFOLLOW, replaced by temp + fsync + rename + fsync(dir).
"""

import contextlib
import os
import stat
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.text import safe_text

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
_OTHERS = 0o077


def shown(path: Path) -> str:
    """A path as it may be printed."""
    return safe_text(str(path), one_line=True, limit=200)


def make_private_dir(path: Path) -> None:
    """Create `path` (and missing parents) as 0700, or check that it is ours and closed to others."""
    missing = [part for part in (path, *path.parents) if not os.path.lexists(part)]
    for part in reversed(missing):
        with contextlib.suppress(FileExistsError):
            part.mkdir(mode=PRIVATE_DIR)
            fsync_dir(part.parent)
    check_private_dir(path)


def check_private_dir(path: Path) -> None:
    """Refuse a directory that others could write to, or swap: ours, 0700 after repair, no writable ancestor.

    A sticky root-owned ancestor such as a temp dir is fine: others cannot rename what is ours there.
    """
    info = os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        raise InputError(f"not a directory: {shown(path)}", hint="name a directory of your own")
    if info.st_uid != os.geteuid():
        raise InputError(f"the directory belongs to somebody else: {shown(path)}", hint="name a directory of your own")
    if info.st_mode & _OTHERS:
        path.chmod(PRIVATE_DIR)
    for parent in path.resolve().parents:
        above = parent.stat()
        if above.st_uid not in {0, os.geteuid()} or (above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX):
            raise InputError(
                f"others can replace the directory above: {shown(parent)}",
                hint="choose a place below your home, or remove group and other write permission",
            )


def check_private_file(path: Path) -> None:
    """Refuse anything but a regular file of ours with one name, closed to others."""
    info = os.lstat(path)
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1 or info.st_uid != os.geteuid():
        raise InputError(
            f"not a plain file of yours: {shown(path)}", hint="links, devices and other people's files are refused"
        )
    if info.st_mode & _OTHERS:
        raise InputError(f"others can read or write {shown(path)}", hint=f"chmod 600 {shown(path)}")


def create_private(path: Path, data: bytes) -> None:
    """Create a new 0600 file; FileExistsError if anything is there."""
    write_new(path, data)
    fsync_dir(path.parent)


def replace_file(path: Path, data: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Put `data` in place of `path`, whole or not at all, durable when this returns."""
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        write_new(temporary, data, mode)
        temporary.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    fsync_dir(path.parent)


def read_limited(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; InputError beyond, OSError as the system says."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"not a plain file: {shown(path)}", hint="name a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputError(f"{shown(path)} is larger than {limit:,} bytes", hint="this is not what the file should be")
    return data


def read_named(path: Path, limit: int, *, hint: str) -> bytes:
    """`read_limited` for a file that somebody named: InputError with this hint if it cannot be read."""
    try:
        return read_limited(path, limit)
    except OSError:
        raise InputError(f"cannot read {shown(path)}", hint=hint) from None


def fsync_dir(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Create a new file; its content is durable when this returns, its name once the directory is synced."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # whatever the umask took away
        file.write(data)
        file.flush()
        os.fsync(descriptor)
