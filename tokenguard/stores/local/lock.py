"""The store's lock: one writer at a time from before its transaction until its anchor is written."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenguard.errors import Unreachable
from tokenguard.files import PRIVATE_FILE
from tokenguard.ports.clock import Clock
from tokenguard.stores.local.trouble import translated

PATIENCE = 15.0
"""Seconds to wait for the writers before us; each takes milliseconds."""
_PAUSE = 0.02


@contextmanager
def locked(path: Path, clock: Clock) -> Iterator[None]:
    """Hold the lock. The file is never deleted: two processes must never lock two files of one name."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with translated():
        descriptor = os.open(path, flags, PRIVATE_FILE)
    try:
        with translated():
            _wait(descriptor, clock)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, clock: Clock) -> None:
    deadline = clock.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() >= deadline:
                raise Unreachable(
                    "another process keeps the store locked",
                    hint="wait for it to end, or see with `fuser` who it is; then run the command again",
                ) from None
            clock.sleep(_PAUSE)
        else:
            return
