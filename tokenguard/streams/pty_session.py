"""A child on a terminal of its own, between ours and it: colours, window size, job control and keys work as ever."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Iterable

from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor
from tokenguard.streams.job_control import Monitor, State
from tokenguard.streams.keyboard import Keyboard
from tokenguard.streams.program import Ended, Program, cannot_start
from tokenguard.streams.pump import Channel, Pump, is_writable
from tokenguard.streams.signals import FORWARDED, drain, handled_signals
from tokenguard.streams.token_watch import TokenWatch

_IDLE = 0.01
"""Seconds; a person is typing."""


def run_in_terminal(program: Program, matcher: Matcher, watch: TokenWatch | None = None) -> Ended:
    """Run a program on a new terminal that is shown on ours; InputError if it cannot be started."""
    master, slave = pty.openpty()
    streams = StreamRedactor(matcher), StreamRedactor(matcher)
    channels = [Channel("terminal", master, 1, streams[0])]
    err_writing = slave
    if not is_writable(2):
        err_writing = 2
    elif not os.isatty(2):
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
        for descriptor in {slave, err_writing} - {2}:
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
        failure=pump.failure,
    )


def _follow(
    monitor: Monitor, pump: Pump, master: int, streams: Iterable[StreamRedactor], watch: TokenWatch | None
) -> None:
    handlers = dict.fromkeys(FORWARDED, monitor.signal) | {signal.SIGCHLD: lambda _: None}
    handlers[signal.SIGWINCH] = lambda _: _copy_size(1, master)
    with Keyboard.open(pump, master) as keyboard, handled_signals(handlers) as woken:

        def news() -> None:
            monitor.read()
            if monitor.state is State.ENDED:
                pump.forget(monitor.status)

        pump.wait_for(woken, lambda: drain(woken))
        pump.wait_for(monitor.status, news)
        while monitor.state is not State.ENDED:
            pump.step(min(keyboard.patience, watch.patience) if watch else keyboard.patience)
            if watch:
                watch.tick(streams, monitor.signal)
            if monitor.state is State.STOPPED:
                _show_rest(pump)
                keyboard.suspend()
                _copy_size(1, master)
                monitor.resume()
            keyboard.listen()
        _show_rest(pump)
        pump.forget(woken)
    monitor.close()


def _show_rest(pump: Pump) -> None:
    """Pass on what it wrote last."""
    while pump.step(0):
        pass


def _copy_size(source: int, target: int) -> None:
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)
