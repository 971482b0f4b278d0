"""Waiting for what cannot be timed from within: a name lookup, an answer that trickles in, a desktop's prompt."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TypeVar

_Result = TypeVar("_Result")


SILENCE = 4.0
"""Seconds after which a person is told that somebody else is being waited for."""


@contextmanager
def notify_if_slow(tell: Callable[[], None], seconds: float = SILENCE) -> Iterator[None]:
    """Call `tell` once, from another thread, if what is done inside takes longer than that."""
    timer = threading.Timer(seconds, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class DeadlineExceeded(Exception):
    """There was no result in time. The work goes on in a thread that nobody waits for any more."""


def run_with_deadline(work: Callable[[], _Result], seconds: float) -> _Result:
    """What `work` returns or raises, while it runs in a thread of its own.

    Raises:
        DeadlineExceeded: it did neither within `seconds`.
    """
    outcome: Future[_Result] = Future()

    def attempt() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            outcome.set_exception(error)

    threading.Thread(target=attempt, name="tokenguard-waited-for", daemon=True).start()
    if wait([outcome], timeout=seconds).not_done:
        raise DeadlineExceeded
    return outcome.result()
