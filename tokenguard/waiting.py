"""Deadlines for calls without a timeout of their own: name lookups, slow responses, desktop prompts."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TypeVar

from tokenguard.interrupts import ENDING

_Result = TypeVar("_Result")


SILENCE = 4.0
"""Seconds of waiting after which the operator is notified."""


@contextmanager
def notify_if_slow(notify: Callable[[], None], seconds: float = SILENCE) -> Iterator[None]:
    """Call `notify` once, from another thread, if the block takes longer than `seconds`."""
    timer = threading.Timer(seconds, notify)
    timer.daemon = True
    _start(timer)
    try:
        yield
    finally:
        timer.cancel()


class DeadlineExceeded(Exception):
    """There was no result in time. The work continues in a detached thread."""


def run_with_deadline(work: Callable[[], _Result], seconds: float) -> _Result:
    """Return or raise the result of `work`, which runs in a separate thread.

    Raises:
        DeadlineExceeded: it did neither within `seconds`.
    """
    outcome = start_detached(work)
    if wait([outcome], timeout=seconds).not_done:
        raise DeadlineExceeded
    return outcome.result()


def start_detached(work: Callable[[], _Result]) -> "Future[_Result]":
    """Start `work` in a thread that does not keep the process from ending."""
    outcome: Future[_Result] = Future()

    def attempt() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            outcome.set_exception(error)

    _start(threading.Thread(target=attempt, name="tokenguard-waited-for", daemon=True))
    return outcome


def _start(thread: threading.Thread) -> None:
    """Start a thread that takes no signal of the process: one that it took would not wake the waiting main thread."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        thread.start()
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # a thread inherits the mask
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
