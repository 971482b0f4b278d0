"""A limit of CPU time for work on hostile input, where the input's author chooses how long an expression takes."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_AGAIN = 1.0
"""Seconds of CPU time after which a signal is sent once more: Python drops what is raised in a finalizer or a hook of
the garbage collector, and with it a signal that arrives there."""


class OutOfTime(Exception):
    """The work took more CPU time than it was given."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block after `seconds` of CPU time. Without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
