"""Our terminal's keys, passed on one by one while a child runs, and left alone while we are in the background."""

import contextlib
import os
import select
import signal
import termios
import tty
from types import TracebackType
from typing import Self

from tokenguard.streams.pump import Pump, write_all

_GLANCE = 0.1
"""Seconds between two looks whether a job in the background has come to the foreground: no signal says so."""
_LONG = 3600.0
_CHUNK = 4096
_END_OF_INPUT = b"\x04"


class Keyboard:
    """The keys of one terminal.

    Args:
        descriptor: the terminal; -1: there is none.
        pump: waits for keys.
        child: where the keys go.
        ours: the descriptor is to be closed in the end.
    """

    def __init__(self, descriptor: int, pump: Pump, child: int, *, ours: bool) -> None:
        self._descriptor = descriptor
        self._pump = pump
        self._child = child
        self._ours = ours
        self._gone = descriptor < 0
        self._before: list[int | list[bytes | int]] | None = None  # its modes before we took it; None: we have not
        self._typed_ahead = False

    @classmethod
    def open(cls, pump: Pump, child: int) -> Self:
        """Standard input if it is a terminal, else the controlling one; without any, no keys."""
        if os.isatty(0):
            return cls(0, pump, child, ours=False)
        try:
            return cls(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC), pump, child, ours=True)
        except OSError:
            return cls(-1, pump, child, ours=False)

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()
        if self._ours:
            os.close(self._descriptor)

    @property
    def patience(self) -> float:
        """Seconds until it is time to `listen` again."""
        return _LONG if self._gone or self._before is not None else _GLANCE

    def listen(self) -> None:
        """Take the keys if they are meant for us now; who asks for them in the background is stopped for it."""
        if self._before is None and self._is_meant_for_us():
            try:
                before = termios.tcgetattr(self._descriptor)
                tty.setraw(self._descriptor, termios.TCSADRAIN)  # what was typed ahead is kept
            except termios.error:  # hung up
                self._gone = True
                return
            self._before = before
            self._typed_ahead = bool(select.select([self._descriptor], [], [], 0)[0])
            self._pump.wait_for(self._descriptor, self._type)

    def suspend(self) -> None:
        """Stop with the child, as a job of our shell; returns when we are continued."""
        self._give_back()
        os.kill(0, signal.SIGTSTP)

    def _type(self) -> None:
        if not self._is_meant_for_us():
            self._give_back()
            return
        try:
            keys = os.read(self._descriptor, _CHUNK)
        except OSError:
            keys = b""
        if self._typed_ahead:  # what was typed as the end of input lies there as NUL, without a meaning
            keys, self._typed_ahead = keys.replace(b"\0", _END_OF_INPUT), False
        if not keys:
            self._gone = True
            self._pump.forget(self._descriptor)
        with contextlib.suppress(OSError):
            write_all(self._child, keys)

    def _give_back(self) -> None:
        if self._before is None:
            return
        self._pump.forget(self._descriptor)
        if self._is_meant_for_us():
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
        self._before = None

    def _is_meant_for_us(self) -> bool:
        if self._gone:
            return False
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return True  # it is a terminal, but no job control is done on it
