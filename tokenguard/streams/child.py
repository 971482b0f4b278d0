"""A child process whose output is masked: through a terminal of its own if ours is one, through pipes otherwise."""

import os
import signal
import subprocess
from collections.abc import Callable

from tokenguard.process import refuse_limit
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor
from tokenguard.streams.program import Ended, Program, cannot_start
from tokenguard.streams.pump import Channel, Pump, is_writable
from tokenguard.streams.signals import FORWARDED, drain, handled_signals, in_foreground
from tokenguard.streams.token_watch import TokenWatch

_BY_SIGNAL = 128


def run_masked(program: Program, matcher: Matcher, watch: TokenWatch | None = None) -> Ended:
    """Run a program and mask its output; InputError if it cannot be started."""
    if os.isatty(1):
        from tokenguard.streams.pty_session import run_in_terminal  # needs a terminal's modules

        return run_in_terminal(program, matcher, watch)
    return _run_piped(program, matcher, watch)


def run_unmasked(program: Program) -> Ended:
    """Run a program that keeps our output as it is; InputError if it cannot be started."""
    with _start(program) as child, handled_signals(_forwarding(child)):
        return Ended(code=_code(child.wait()))


def _run_piped(program: Program, matcher: Matcher, watch: TokenWatch | None) -> Ended:
    streams = StreamRedactor(matcher), StreamRedactor(matcher)
    channels: list[Channel] = []
    writing: dict[int, int] = {}
    for name, sink, stream in (("stdout", 1, streams[0]), ("stderr", 2, streams[1])):
        if writing.get(1) and _same_file(1, sink):  # with `2>&1` the order of both is kept
            writing[sink] = writing[1]
        elif is_writable(sink):
            source, writing[sink] = os.pipe()
            channels.append(Channel(name, source, sink, stream))
    try:
        child = _start(program, stdout=writing.get(1), stderr=writing.get(2))
    finally:
        for descriptor in {*writing.values()}:
            os.close(descriptor)
    pump = Pump(channels)
    with child, handled_signals(_forwarding(child)) as woken:
        pump.wait_for(woken, lambda: drain(woken))
        while child.poll() is None:
            pump.step(watch.patience if watch else None)
            if watch:
                watch.tick(streams, child.send_signal)
        while pump.step(0):
            pass
        pump.forget(woken)
    _leave_behind(pump)
    return Ended(
        code=_code(child.returncode),
        found={channel.name: channel.stream.found for channel in channels},
        failure=pump.failure,
    )


def _start(program: Program, *, stdout: int | None = None, stderr: int | None = None) -> subprocess.Popen[bytes]:
    environment = dict(program.environment)
    try:
        return subprocess.Popen(program.argv, env=environment, stdout=stdout, stderr=stderr, umask=program.umask)
    except OSError as error:
        refuse_limit("the program", error)
        raise cannot_start() from None
    except ValueError:
        raise cannot_start() from None


def _forwarding(child: subprocess.Popen[bytes]) -> dict[signal.Signals, Callable[[int], None]]:
    def forward(number: int) -> None:
        if number != signal.SIGINT or not in_foreground():  # at Ctrl-C the terminal tells the child itself
            child.send_signal(number)

    return {**dict.fromkeys(FORWARDED, forward), signal.SIGCHLD: lambda _: None}


def _leave_behind(pump: Pump) -> None:
    """Keep a process that masks the output of programs the child has left running, until they end."""
    if not pump.open:
        pump.close()
        return
    if os.fork() == 0:
        try:
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            pump.run()
        finally:
            os._exit(0)
    pump.abandon()


def _same_file(left: int, right: int) -> bool:
    try:
        return os.path.sameopenfile(left, right)
    except OSError:
        return False


def _code(returned: int) -> int:
    return returned if returned >= 0 else _BY_SIGNAL - returned
