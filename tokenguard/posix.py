"""What POSIX systems have and Windows lacks: what is done there instead, and the error of what cannot be done."""

import errno
import os
from pathlib import Path

from tokenguard.errors import InputError

IS_POSIX = hasattr(os, "geteuid")

COMMON_FLAGS: int = (
    getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", getattr(os, "O_NOINHERIT", 0)) | getattr(os, "O_BINARY", 0)
)
"""For every file: not inherited by children, and opened without waiting for a FIFO or a device."""
NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)


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
