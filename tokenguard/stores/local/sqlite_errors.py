"""Translation of what SQLite and the system say into our errors; foreign text is never quoted."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenguard.errors import TokenguardError, Unreachable
from tokenguard.files import shown
from tokenguard.process import has_size_limit
from tokenguard.stores.local.layout import STATE_DIR_VARIABLE, anchor_directory
from tokenguard.stores.local.length_prefix import damaged

_FULL = (
    "the disk is full, nothing was acknowledged",
    "free some space, then run the command again; it continues from what is stored",
)
_READ_ONLY = (
    "the store cannot be written",
    "check who owns the directory and whether the file system is mounted read-only",
)
_BUSY = (
    "another process keeps the store locked",
    "wait for it to end, or find it with `fuser`; then run the command again",
)
_BROKEN_DISK = (
    "the disk does not read or write reliably",
    "look at the system's log; copy the store elsewhere before using it again",
)
_TOO_LARGE = (
    "the limit for the size of a file is exceeded",
    "raise it (`ulimit -f`), then run the command again; if it fails again, look at the system's log",
)
_GONE = (
    "the store's directory, or a part of it, is not there any more",
    "it was moved, removed or unmounted meanwhile: put it back, then run the command again",
)
_STALE = (
    "the file system has lost the store's files (stale file handle)",
    "mount it again; a store needs a local disk, or use a Vault or AWS store",
)
_NO_LOCKS = (
    "the file system of the store gives no locks",
    "its locks must be reliable: move the store to a local disk, or use a Vault or AWS store",
)
_BY_CODE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_AUTH: _READ_ONLY,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_PROTOCOL: _BUSY,
    sqlite3.SQLITE_IOERR: _BROKEN_DISK,
}
_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EIO: _BROKEN_DISK,
    errno.EFBIG: _TOO_LARGE,
    errno.ESTALE: _STALE,
    errno.ENOLCK: _NO_LOCKS,
    errno.ENOTSUP: _NO_LOCKS,
    errno.ENOENT: _GONE,
    errno.ENOTDIR: _GONE,
}
_SAID_OF_THE_STATE = frozenset({errno.ENOENT, errno.ENOTDIR})
"""What a path of the state directory is looked at for first."""
_NO_STORE = "the store's file is damaged, or not a store at all"
_PRIMARY = 0xFF  # SQLite's extended codes carry the primary one in the low byte


@contextmanager
def translated(copy: Path | None = None) -> Iterator[None]:
    """Turn what SQLite or the system raises inside into Unreachable or Tampered.

    Args:
        copy: the file that is written instead of the store's own; errors name it.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a bug of ours must not pass for tampering
    except sqlite3.Error as error:
        raise _of_sqlite(error, copy) from None
    except OSError as error:
        message, hint = _of_system(error)
        raise Unreachable(message, hint=hint) from None
    except UnicodeDecodeError:  # SQLite quotes a damaged schema in its message, which Python then cannot decode
        raise damaged(_NO_STORE) from None
    except (MemoryError, OverflowError):
        raise damaged("the store's file asks for impossible sizes") from None


def _of_system(error: OSError) -> tuple[str, str]:
    number = error.errno or 0
    state = _no_state(error)
    if state is not None and (number in _SAID_OF_THE_STATE or number not in _BY_ERRNO):
        return state
    message, hint = _BY_ERRNO.get(number, _READ_ONLY)
    if message == _READ_ONLY[0] and isinstance(error.filename, str):
        message += f": {shown(Path(error.filename))}"
    return message, hint


def _no_state(error: OSError) -> tuple[str, str] | None:
    """The words for what the system says of the state directory, where the anchors are, or of a folder above it."""
    if not isinstance(error.filename, str):
        return None
    path, state = Path(error.filename), anchor_directory()
    if path != state and path not in state.parents and state not in path.parents:
        return None
    return (
        f"this machine's record of the store cannot be written or read: {shown(path)}",
        f"let {STATE_DIR_VARIABLE} name a permanent directory that you own and can write to",
    )


def _of_sqlite(error: sqlite3.Error, copy: Path | None) -> TokenguardError:
    code = getattr(error, "sqlite_errorcode", None)
    known = None if code is None else _BY_CODE.get(code & _PRIMARY)
    if known is None:  # not a database, malformed, no such table, undecodable text …
        return damaged(_NO_STORE)
    if code == sqlite3.SQLITE_IOERR_WRITE and has_size_limit():  # SQLite does not tell the two apart
        known = _TOO_LARGE
    return Unreachable(known[0] if copy is None else f"{known[0]}: {shown(copy)}", hint=known[1])
