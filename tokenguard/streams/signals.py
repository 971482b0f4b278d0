"""Signals that are meant for the child, and the one that says it has changed its state."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT)


@contextlib.contextmanager
def handled_signals(handlers: dict[signal.Signals, Callable[[int], None]]) -> Iterator[int]:
    """Handle signals for a while; yields a descriptor that becomes readable at each of them."""
    reading, writing = os.pipe()
    for descriptor in (reading, writing):
        os.set_blocking(descriptor, False)
    woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _plain(call)) for number, call in handlers.items()}
    try:
        yield reading
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        os.close(reading)
        os.close(writing)


def _plain(call: Callable[[int], None]) -> Callable[[int, FrameType | None], None]:
    def handler(number: int, _: FrameType | None) -> None:
        call(number)

    return handler


def drain(descriptor: int) -> None:
    """Forget which signals have come."""
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 4096):
            pass


def in_foreground() -> bool:
    """Whether the terminal sends its signals to our process group, and so to the child by itself."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
