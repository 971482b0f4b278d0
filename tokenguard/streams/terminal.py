"""A child on a terminal of its own, between ours and it: colours, window size, job control and keys work as ever."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
import tty
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor
from tokenguard.streams.monitor import Monitor, State
from tokenguard.streams.program import Ended, Program, cannot_start
from tokenguard.streams.pump import Channel, Pump, write_all
from tokenguard.streams.signals import FORWARDED, caught, drain
from tokenguard.streams.watch import Watch

_IDLE = 0.01
"""Seconds: somebody is typing."""
_CHUNK = 4096


def run_in_terminal(program: Program, matcher: Matcher, watch: Watch | None = None) -> Ended:
    """Run a program on a new terminal that is shown on ours; InputError if it cannot be started."""
    master, slave = pty.openpty()
    streams = StreamRedactor(matcher), StreamRedactor(matcher)
    channels = [Channel("terminal", master, 1, streams[0])]
    err_writing = slave
    if not os.isatty(2):
        err, err_writing = os.pipe()
        channels.append(Channel("stderr", err, 2, streams[1]))
    with contextlib.suppress(termios.error):
        termios.tcsetattr(slave, termios.TCSANOW, termios.tcgetattr(1))
    _copy_size(1, master)
    try:
        monitor = Monitor.start(
            program, terminal=slave, stdin=slave if os.isatty(0) else 0, stdout=slave, stderr=err_writing
        )
    finally:
        for descriptor in {slave, err_writing}:
            os.close(descriptor)
    if not monitor.started:
        monitor.close()
        for channel in channels:
            os.close(channel.source)
        raise cannot_start()
    pump = Pump(channels, idle=_IDLE)
    _follow(monitor, pump, master, streams, watch)
    pump.close()
    return Ended(
        code=monitor.code if monitor.code is not None else 1,
        found={channel.name: channel.stream.found for channel in channels},
        failed=pump.failed,
    )


def _follow(monitor: Monitor, pump: Pump, master: int, streams: Iterable[StreamRedactor], watch: Watch | None) -> None:
    handlers = dict.fromkeys(FORWARDED, monitor.signal) | {signal.SIGCHLD: lambda _: None}
    with Keyboard.open() as keyboard, caught(handlers | {signal.SIGWINCH: lambda _: _copy_size(1, master)}) as woken:

        def type_keys() -> None:
            keys = keyboard.read()
            if not keys:
                pump.forget(keyboard.descriptor)
                return
            with contextlib.suppress(OSError):
                write_all(master, keys)

        def news() -> None:
            monitor.read()
            if monitor.state is State.ENDED:
                pump.forget(monitor.status)

        if keyboard.descriptor >= 0:
            pump.wait_for(keyboard.descriptor, type_keys)
        pump.wait_for(woken, lambda: drain(woken))
        pump.wait_for(monitor.status, news)
        while monitor.state is not State.ENDED:
            pump.step(watch.patience if watch else None)
            if watch:
                watch.tick(streams, monitor.signal)
            if monitor.state is State.STOPPED:
                keyboard.suspend()
                _copy_size(1, master)
                monitor.resume()
        while pump.step(0):  # what it wrote last
            pass
        pump.forget(woken)
        pump.forget(keyboard.descriptor)
    monitor.close()


class Keyboard:
    """Our terminal's keys, passed on one by one while the child runs."""

    def __init__(self, descriptor: int, *, ours: bool) -> None:
        self.descriptor = descriptor
        self._ours = ours
        self._before = termios.tcgetattr(descriptor) if descriptor >= 0 else None

    @classmethod
    def open(cls) -> Self:
        """Standard input if it is a terminal, else the controlling one; without any, no keys."""
        if os.isatty(0):
            return cls(0, ours=False)
        try:
            return cls(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC), ours=True)
        except OSError:
            return cls(-1, ours=False)

    def __enter__(self) -> Self:
        self._raw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
        if self._ours:
            os.close(self.descriptor)

    def read(self) -> bytes:
        """The keys that were pressed; nothing when the terminal is gone."""
        try:
            return os.read(self.descriptor, _CHUNK)
        except OSError:
            return b""

    def suspend(self) -> None:
        """Stop with the child, as a job of our shell; returns when we are continued."""
        self._restore()
        os.kill(0, signal.SIGTSTP)
        self._raw()

    def _raw(self) -> None:
        if self._before is not None and _is_ours_to_change(self.descriptor):
            tty.setraw(self.descriptor)

    def _restore(self) -> None:
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self._before)


def _is_ours_to_change(terminal: int) -> bool:
    """Whether we may set its modes now: a job in the background would be stopped for that."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True  # it is a terminal, but no job control is done on it


def _copy_size(source: int, target: int) -> None:
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)
