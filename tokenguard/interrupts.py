"""SIGTERM and SIGHUP as interrupts: locks, files and children are left in order, as at Ctrl-C."""

import atexit
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that end a command by an exception in the main thread; Windows has no SIGHUP."""
_CLEAN_UP = 5.0
"""Seconds after an interrupt in which no second one is made of a signal: some supervisors send several."""


def interrupt_at_end_signals() -> Mapping[int, Any]:
    """Let the first SIGTERM or SIGHUP interrupt as Ctrl-C does.

    Those that follow soon do not stop the clean-up. A signal that was ignored, as under nohup, stays ignored. Handlers
    are not inherited: a child program gets the default ones.

    Returns:
        The handlers before; nothing was changed outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    last = -_CLEAN_UP

    def interrupt(*_: object) -> None:
        nonlocal last
        if time.monotonic() - last >= _CLEAN_UP:
            last = time.monotonic()
            atexit.register(_ignore, wanted)  # else Python's own end sets them to kill, and the exit code is lost
            raise KeyboardInterrupt

    wanted = [each for each in ENDING if each != signal.SIGINT and signal.getsignal(each) is not signal.SIG_IGN]
    return {number: signal.signal(number, interrupt) for number in wanted}


def _ignore(numbers: Iterable[int]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def end_signals_as_interrupts() -> Iterator[None]:
    """The same for a while, in a program that may be another's."""
    before = interrupt_at_end_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
