"""The leader of the child's session: a terminal stops and continues jobs only below a process that waits for them."""

import contextlib
import fcntl
import os
import signal
import termios
from enum import Enum, auto
from typing import NoReturn, Self

from tokenguard.process import refuse_limit
from tokenguard.streams.program import Program
from tokenguard.streams.signals import FORWARDED

_LINE = 64


class State(Enum):
    """What the child does."""

    RUNNING = auto()
    STOPPED = auto()
    ENDED = auto()


class Monitor:
    """Our side: what the leader tells us, and what we tell the child."""

    def __init__(self, leader: int, status: int) -> None:
        self._leader = leader
        self.status = status
        """Becomes readable when there is news: call `read`."""
        self.state = State.RUNNING
        self.code: int | None = None
        self._child = 0
        self._pending = b""

    @classmethod
    def start(cls, program: Program, *, terminal: int, stdin: int, stdout: int, stderr: int) -> Self:
        """Start the child on `terminal`; a monitor that has ended at once could not start it."""
        status, telling = os.pipe()
        try:
            leader = os.fork()
        except OSError as error:
            os.close(status)
            os.close(telling)
            refuse_limit("the program", error)
            raise
        if leader == 0:
            try:
                _lead(program, terminal, (stdin, stdout, stderr), telling)
            finally:
                os._exit(1)
        os.close(telling)
        monitor = cls(leader, status)
        while not monitor.started and monitor.state is State.RUNNING:
            monitor.read()
        return monitor

    @property
    def started(self) -> bool:
        """Whether the program was found and runs, or did."""
        return self._child != 0

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self.status)

    def read(self) -> None:
        """Take the news."""
        news = os.read(self.status, _LINE)
        if not news:
            self._end()
        *lines, self._pending = (self._pending + news).split(b"\n")
        for line in lines:
            kind, number = line[:1], int(line[1:])
            if kind == b"P":
                self._child = number
            elif kind == b"S":
                self.state = State.STOPPED
            else:
                self.code = number
                self._end()

    def signal(self, number: int) -> None:
        """Pass a signal on to the child's whole group."""
        if self._child:
            with contextlib.suppress(OSError):
                os.killpg(self._child, number)

    def resume(self) -> None:
        """Let a stopped child go on."""
        self.state = State.RUNNING
        self.signal(signal.SIGCONT)

    def _end(self) -> None:
        if self.state is not State.ENDED:
            self.state = State.ENDED
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._leader, 0)


def _lead(program: Program, terminal: int, streams: tuple[int, int, int], telling: int) -> None:
    """Be the leader: own the terminal, start the child in a group of its own, and tell what becomes of it."""
    for number in (*FORWARDED, signal.SIGCHLD, signal.SIGWINCH, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    failure, failing = os.pipe()
    child = os.fork()
    if child == 0:
        _become(program, terminal, streams, failing)
    os.close(failing)
    if os.read(failure, 1):  # closed without a word when the program has been started
        os.waitpid(child, 0)
        os.write(telling, b"X127\n")
        return
    for descriptor in {terminal, *streams}:  # the terminal is gone when the child's own ends are
        os.close(descriptor)
    os.write(telling, b"P%d\n" % child)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.write(telling, b"S%d\n" % os.WSTOPSIG(status))
            continue
        code = os.waitstatus_to_exitcode(status)
        os.write(telling, b"X%d\n" % (code if code >= 0 else 128 - code))
        return


def _become(program: Program, terminal: int, streams: tuple[int, int, int], failing: int) -> NoReturn:
    """Be the child: in the foreground of its terminal, with its streams in place and nothing else open."""
    try:
        os.set_inheritable(failing, False)
        os.setpgid(0, 0)
        if program.umask >= 0:
            os.umask(program.umask)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(terminal, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        for target, source in enumerate(streams):
            if source == target:
                os.set_inheritable(target, True)
            else:
                os.dup2(source, target)
        os.closerange(3, failing)
        os.closerange(failing + 1, 4096)
        os.execvpe(program.argv[0], list(program.argv), dict(program.environment))  # noqa: S606 - this is what it is for
    except BaseException:  # noqa: BLE001 - after any failure, this process must not continue
        os.write(failing, b"!")
    finally:
        os._exit(127)
