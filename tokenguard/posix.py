"""What POSIX systems have and Windows lacks: what is done there instead, and the error of what cannot be done."""

import contextlib
import errno
import os
import re
import struct
from pathlib import Path

from tokenguard.errors import InputError

IS_POSIX = hasattr(os, "geteuid")

COMMON_FLAGS: int = (
    getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", getattr(os, "O_NOINHERIT", 0)) | getattr(os, "O_BINARY", 0)
)
"""For every file: not inherited by children, and opened without waiting for a FIFO or a device."""
NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_FLAGS_REQUEST = 0x80006601 | struct.calcsize("l") << 16
"""FS_IOC_GETFLAGS of Linux."""
_FLAGS = ((0x10, "immutable", "i"), (0x20, "append-only", "a"))


def require_posix(what: str) -> None:
    """InputError on Windows, naming what needs POSIX there."""
    if not IS_POSIX:
        raise InputError(
            f"{what} needs a POSIX system, such as Linux or macOS",
            hint="run it under WSL, where tokenguard is installed as on Linux: wsl tokenguard --help",
        )


def user_id() -> int:
    """The effective user; 0 on Windows, where every file has that owner."""
    return os.geteuid() if IS_POSIX else 0


def group_ids() -> set[int]:
    """The groups of this process; 0 on Windows, where every file has that group."""
    return {os.getegid(), *os.getgroups()} if IS_POSIX else {0}


def open_to_read(path: Path | str, *, follow: bool = True) -> int:
    """A descriptor of a file; OSError with ELOOP for a link that is not followed."""
    if not follow and not NO_LINK and os.path.islink(path):  # noqa: PTH114 - for each file of a scan
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return os.open(path, os.O_RDONLY | COMMON_FLAGS | (0 if follow else NO_LINK))


def set_mode(descriptor: int, mode: int) -> None:
    """Give an open file a mode; without effect on Windows, where access is a matter of the folder's lists."""
    if IS_POSIX:
        os.fchmod(descriptor, mode)


def others_can_write(info: os.stat_result) -> bool:
    """Whether a file has another owner than this user or root, or others may change it; not evaluated on Windows."""
    return IS_POSIX and (info.st_uid not in {0, user_id()} or bool(info.st_mode & 0o022))


def why_not_replaced(path: Path) -> tuple[Path, str, str] | None:
    """Why a new file cannot take the place of `path`, independent of the file's rights; None if it can.

    What it is about, what is the matter with that, and the hint, with `{}` for what it is about.
    """
    if not IS_POSIX:
        return None
    for place in (path.parent, path):
        if flag := _flag(place):
            return place, f"is {flag[0]}", f"chattr -{flag[1]} {{}}"
    if _is_mount(path):
        return path, "is mounted by itself, as single files are in containers", "mount its directory instead of {}"
    if os.access(path.parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    if os.statvfs(path.parent).f_flag & os.ST_RDONLY:
        return path.parent, "is on a read-only file system", "mount {} writable, or name another file"
    return path.parent, "cannot be written by this user", "run this as the owner of {}, or change its mode"


def _flag(path: Path) -> tuple[str, str] | None:
    """The attribute for which even root cannot replace what is there, and its letter in `chattr`; Linux only."""
    with contextlib.suppress(OSError, ImportError):
        import fcntl  # for this question only

        descriptor = open_to_read(path, follow=False)
        try:
            (flags,) = struct.unpack("i", fcntl.ioctl(descriptor, _FLAGS_REQUEST, bytes(8))[: struct.calcsize("i")])
        finally:
            os.close(descriptor)
        return next(((word, letter) for bit, word, letter in _FLAGS if flags & bit), None)
    return None


def _is_mount(path: Path) -> bool:
    """Whether a file system, or one file, is mounted there, as Linux lists it."""
    wanted = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118 - no further resolution
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", "rb") as lines:  # noqa: PTH123
        places = (re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1], 8)]), line.split()[4]) for line in lines)
        return any(os.fsdecode(place) == wanted for place in places)
    return False
