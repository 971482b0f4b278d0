"""Calls with a deadline: threads that are used again, keep nothing and are not expected in a forked process."""

import _thread
import gc
import os
import signal
import threading
import time
import weakref

import pytest

from tokenguard.waiting import DeadlineExceeded, notify_if_slow, run_with_deadline, start_detached

PATIENCE = 20.0


class Kept:
    """Stands for what a request is about."""


def test_calls_one_after_another_start_a_few_threads_and_not_one_each():
    used = {run_with_deadline(threading.get_ident, PATIENCE) for _ in range(50)}
    assert len({each.ident for each in threading.enumerate()} & used) <= 4
    assert len(used) <= 4


def test_a_thread_that_still_works_is_given_nothing_else():
    release = threading.Event()
    stuck = [start_detached(lambda: release.wait(PATIENCE) and threading.get_ident()) for _ in range(3)]
    free = run_with_deadline(threading.get_ident, PATIENCE)
    release.set()
    threads = [each.result(PATIENCE) for each in stuck]
    assert len({*threads, free}) == 4


def test_an_idle_thread_keeps_neither_the_work_nor_its_result():
    about = Kept()
    known = weakref.ref(about)
    assert run_with_deadline(lambda about=about: about is not None, PATIENCE)
    result = run_with_deadline(Kept, PATIENCE)
    made = weakref.ref(result)
    del about, result
    until = time.monotonic() + PATIENCE
    while known() or made():
        assert time.monotonic() < until
        gc.collect()
        time.sleep(0.001)


def test_an_error_of_the_work_is_the_callers_and_the_thread_goes_on():
    for error in (TimeoutError, KeyboardInterrupt, SystemExit, DeadlineExceeded, ValueError):
        with pytest.raises(error):
            run_with_deadline(lambda error=error: (_ for _ in ()).throw(error), PATIENCE)
    assert run_with_deadline(lambda: 1, PATIENCE) == 1


def test_what_takes_too_long_is_given_up():
    release = threading.Event()
    with pytest.raises(DeadlineExceeded):
        run_with_deadline(lambda: release.wait(PATIENCE), 0.01)
    release.set()


def test_a_signal_that_came_just_before_the_wait_ends_it():
    """Such a signal does not wake the main thread: only Python's own note of it is there."""
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        time.sleep(0.1)  # the main thread waits by now
        _thread.interrupt_main(signal.SIGINT)
        release.wait(PATIENCE / 4)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_with_deadline(work, PATIENCE)
    assert not ended.is_set()
    release.set()


def test_who_waits_is_told_in_the_order_of_the_times():
    told: list[str] = []
    both = threading.Event()

    def late() -> None:
        told.append("late")
        both.set()

    with notify_if_slow(late, 0.2), notify_if_slow(lambda: told.append("early"), 0.02), notify_if_slow(both.set, 3600):
        assert both.wait(PATIENCE)
    assert told == ["early", "late"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_notice_that_fails_does_not_silence_the_next():
    def fail() -> None:
        raise BrokenPipeError

    told = threading.Event()
    with notify_if_slow(fail, 0.0), notify_if_slow(told.set, 0.05):
        assert told.wait(PATIENCE)
    again = threading.Event()
    with notify_if_slow(again.set, 0.0):
        assert again.wait(PATIENCE)


def test_many_blocks_that_are_fast_leave_one_thread_that_ends_by_itself():
    for _ in range(100):
        with notify_if_slow(pytest.fail, 0.05):
            pass
    alarms = [each for each in threading.enumerate() if each.name == "tokenguard-alarms"]
    assert len(alarms) <= 1
    for each in alarms:
        each.join(PATIENCE)  # it waits for the longest of those that were cancelled, at most SILENCE
        assert not each.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_starts_threads_of_its_own():
    run_with_deadline(lambda: None, PATIENCE)
    with notify_if_slow(lambda: None, 3600):
        child = os.fork()
        if child == 0:
            told = threading.Event()
            try:
                with notify_if_slow(told.set, 0.0):
                    fine = told.wait(5) and run_with_deadline(lambda: True, 5)
            except BaseException:  # noqa: BLE001 - the child must not go on with the test
                fine = False
            os._exit(0 if fine else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
