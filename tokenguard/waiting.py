"""Deadlines for calls without a timeout of their own: name lookups, slow responses, desktop prompts."""

import heapq
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from tokenguard.interrupts import ENDING

_Result = TypeVar("_Result")
_Job = Callable[[], object]


SILENCE = 4.0
"""Seconds of waiting after which the operator is notified."""


_AT_ONCE = 0.25
"""Seconds of one wait: Python runs a handler between waits, so a signal that comes just before one does not end it."""


@contextmanager
def notify_if_slow(notify: Callable[[], None], seconds: float = SILENCE) -> Iterator[None]:
    """Call `notify` once, from another thread, if the block takes longer than `seconds`."""
    cancel = _alarms.after(seconds, notify)
    try:
        yield
    finally:
        cancel()


class DeadlineExceeded(Exception):
    """There was no result in time. The work continues in a detached thread."""


def run_with_deadline(work: Callable[[], _Result], seconds: float) -> _Result:
    """Return or raise the result of `work`, which runs in a separate thread.

    Raises:
        DeadlineExceeded: it did neither within `seconds`.
    """
    outcome, end = start_detached(work), time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        try:
            outcome.exception(max(min(left, _AT_ONCE), 0))  # returned: a TimeoutError of the work is not ours
        except TimeoutError:
            if left <= _AT_ONCE:
                raise DeadlineExceeded from None
        else:
            return outcome.result()


def start_detached(work: Callable[[], _Result]) -> "Future[_Result]":
    """Start `work` in a thread that does not keep the process from ending."""
    outcome: Future[_Result] = Future()
    _threads.run(partial(_settle, outcome, work))
    return outcome


def _settle(outcome: "Future[_Result]", work: Callable[[], _Result]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
        outcome.set_exception(error)


class _Threads:
    """Threads that take one job after another: to start one for each request costs more than the request's own work."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[_Job]] = []

    def run(self, job: _Job) -> None:
        try:
            self._idle.pop().put(job)
        except IndexError:
            jobs: SimpleQueue[_Job] = SimpleQueue()
            jobs.put(job)
            _start(threading.Thread(target=self._work, args=(jobs,), name="tokenguard-waited-for", daemon=True))

    def _work(self, jobs: "SimpleQueue[_Job]") -> None:
        while True:
            jobs.get()()  # in no variable: an idle thread must not keep what a request was about
            self._idle.append(jobs)


class _Alarms:
    """Calls that are made at their time. The thread that waits for it ends when none is left."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._times: list[tuple[float, int]] = []
        self._calls: dict[int, _Job] = {}
        self._running = False

    def after(self, seconds: float, call: _Job) -> _Job:
        """Make the call after so many seconds. Returns what cancels it."""
        number, at = next(self._numbers), time.monotonic() + seconds
        with self._changed:
            self._calls[number] = call
            heapq.heappush(self._times, (at, number))
            if not self._running:
                self._running = True
                _start(threading.Thread(target=self._run, name="tokenguard-alarms", daemon=True))
            elif self._times[0][1] == number:
                self._changed.notify()
        return partial(self._calls.pop, number, None)

    def _run(self) -> None:
        while call := self._due():
            _threads.run(call)

    def _due(self) -> _Job | None:
        """Wait for the next call that is not cancelled; None: there is none."""
        with self._changed:
            while self._times:
                at, number = self._times[0]
                left = at - time.monotonic()
                if left > 0 and number in self._calls:
                    self._changed.wait(left)
                    continue
                heapq.heappop(self._times)
                call = self._calls.pop(number, None)
                if call is not None:
                    return call
            self._running = False
            return None


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


_threads = _Threads()
_alarms = _Alarms()


def _forget_threads() -> None:
    """A process that was forked has none of its parent's threads."""
    global _threads, _alarms
    _threads, _alarms = _Threads(), _Alarms()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
