"""SIGTERM and SIGHUP as interrupts: once for a clean-up, in the main thread, and not where they are ignored."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tokenguard import interrupts as module
from tokenguard.interrupts import interrupt_at_end_signals
from tokenguard.waiting import notify_if_slow, run_with_deadline

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupts(number: int) -> bool:
    """Whether a signal to this process does; an interrupt that passes would end the whole run of tests."""
    try:
        os.kill(os.getpid(), number)
        time.sleep(0)
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts(number):
    interrupt_at_end_signals()
    assert interrupts(number)


def test_signals_that_follow_soon_do_not_interrupt_again():
    interrupt_at_end_signals()
    assert [interrupts(number) for number in (signal.SIGTERM, *SIGNALS)] == [True, False, False]


def test_a_signal_after_a_while_interrupts_again(monkeypatch):
    """An interrupt that was lost on its way must not make the program immune."""
    monkeypatch.setattr(module, "_CLEAN_UP", 0.0)
    interrupt_at_end_signals()
    assert [interrupts(signal.SIGTERM) for _ in range(2)] == [True, True]


def test_what_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert interrupt_at_end_signals().keys() == {signal.SIGTERM}
    assert not interrupts(signal.SIGHUP)


def test_another_thread_changes_nothing():
    found = []
    thread = threading.Thread(target=lambda: found.append(interrupt_at_end_signals()))
    thread.start()
    thread.join()
    assert found == [{}]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_thread_that_is_waited_for_takes_no_signal():
    """The system may give a signal to any thread, and only the main one runs its handler."""
    mask = run_with_deadline(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()), 5)
    assert mask >= {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    told: list[set[signal.Signals]] = []
    with notify_if_slow(lambda: told.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())), 0.0):
        until = time.monotonic() + 5
        while not told and time.monotonic() < until:
            time.sleep(0.01)
    assert told[0] >= {signal.SIGTERM}
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGINT, signal.SIGTERM}
