"""The store's lock: one writer at a time, from before its transaction until its anchor is written, or readers."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokenguard.errors import Unreachable
from tokenguard.files import PRIVATE_FILE
from tokenguard.ports.clock import Clock
from tokenguard.stores.local.sqlite_errors import translated

PATIENCE = 15.0
"""Seconds to wait for the writers before us; each takes milliseconds."""
_PAUSE = 0.02
TURN = 0.03
"""Seconds between two long holds of one process, in which those who wait look again."""


@contextmanager
def locked(path: Path, clock: Clock, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock. The file is never deleted: two processes must never lock two files of one name.

    Args:
        path: the lock file.
        clock: for the patience of those who wait.
        shared: with other readers, and with no writer.
    """
    with translated():
        descriptor = _opened(path, shared=shared)
    try:
        with translated():
            _wait(descriptor, clock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path, *, shared: bool) -> int:
    if shared:  # also where the store may only be read
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)


def _wait(descriptor: int, clock: Clock, kind: int) -> None:
    deadline = clock.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() >= deadline:
                raise Unreachable(
                    "another process keeps the store locked",
                    hint="wait for it to end, or find it with `fuser`; then run the command again",
                ) from None
            clock.sleep(_PAUSE)
        else:
            return
