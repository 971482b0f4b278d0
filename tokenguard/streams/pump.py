"""Copies descriptors to descriptors through redactors, as data comes, in one thread.

Nothing is read ahead: while the reader is slow, so is the writer. When a reader has left, its writer is told so.
"""

import contextlib
import errno
import os
import queue
import select
import selectors
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tokenguard.redaction.known import MatchSource
from tokenguard.streams.failure import OutputWithheld, masking_failed, not_read, not_written

CHUNK = 65_536
IDLE = 0.05
"""Seconds without data after which harmless undecided bytes, such as a prompt, are passed on."""


_LEFT = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EIO})
"""Who read has left: a pipe, a socket, a terminal."""


class Redactor(Protocol):
    """Masks one stream: `StreamRedactor` and those that stand before one."""

    @property
    def held(self) -> int:
        """Bytes that were fed and not passed on."""
        ...

    @property
    def found(self) -> Counter[MatchSource]:
        """How often each source was masked."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Take the next piece; returns what can be passed on."""
        ...

    def idle(self) -> bytes:
        """Pass on what is harmless although undecided."""
        ...

    def finish(self) -> bytes:
        """Nothing follows; returns the rest."""
        ...


@dataclass(slots=True)
class Channel:
    """One way through: `source` is read and closed by the pump, `sink` is only written to."""

    name: str
    source: int
    sink: int
    stream: Redactor
    failure: OutputWithheld | None = None
    """Why nothing more is written; what still comes is read and thrown away."""
    deaf: bool = False
    """The reader has left."""

    def take(self, data: bytes) -> None:
        """Mask and write a piece."""
        self._write(lambda: self.stream.feed(data))

    def idle(self) -> None:
        """Write what is harmless although undecided."""
        self._write(self.stream.idle)

    def finish(self) -> None:
        """Write what is left."""
        self._write(self.stream.finish)

    def _write(self, masked: Callable[[], bytes]) -> None:
        """Write all masked output, or detect that the reader has closed; writes nothing if masking fails."""
        if self.failure or self.deaf:
            return
        try:
            out = masked()
        except Exception:  # noqa: BLE001 - fail closed after any failure
            self.failure = masking_failed()
            return
        try:
            write_all(self.sink, out)
        except OSError as error:
            self.deaf = True
            if error.errno not in _LEFT:
                self.failure = not_written()


@dataclass(slots=True)
class Pump:
    """Runs channels until all have ended, and calls the handlers of other descriptors."""

    channels: list[Channel]
    idle: float = IDLE
    _selector: selectors.BaseSelector = field(default_factory=selectors.SelectSelector, init=False)

    def __post_init__(self) -> None:
        for channel in self.channels:
            self._selector.register(channel.source, selectors.EVENT_READ, channel)

    @property
    def open(self) -> list[Channel]:
        """The channels that have not ended."""
        return [key.data for key in self._selector.get_map().values() if isinstance(key.data, Channel)]

    @property
    def failure(self) -> OutputWithheld | None:
        """Why output was withheld; None: it was not."""
        return next((channel.failure for channel in self.channels if channel.failure), None)

    def wait_for(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call `call` whenever there is something to read."""
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def forget(self, descriptor: int) -> None:
        """Wait for it no longer."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)

    def step(self, timeout: float | None) -> bool:
        """Wait at most so many seconds for something to do, and do it; False if there was nothing."""
        waiting = [channel for channel in self.open if channel.stream.held]
        patience = self.idle if waiting and (timeout is None or timeout > self.idle) else timeout
        ready = self._selector.select(patience)
        for key, _ in ready:
            if isinstance(key.data, Channel):
                self._read(key.data)
            else:
                key.data()
        if not ready:
            for channel in waiting:
                channel.idle()
        return bool(ready)

    def run(self) -> None:
        """Go on until every channel has ended."""
        while self.open:
            self.step(None)
        self.close()

    def close(self) -> None:
        """End what is still open, as if its writer had."""
        for channel in self.open:
            self._end(channel)
        self._selector.close()

    def abandon(self) -> None:
        """Close everything and write nothing: another process goes on."""
        for channel in self.open:
            self.forget(channel.source)
            os.close(channel.source)
        self._selector.close()

    def _read(self, channel: Channel) -> None:
        try:
            data = os.read(channel.source, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # a terminal whose other side is closed
                channel.failure = not_read()
            data = b""
        if data:
            channel.take(data)
        if not data or channel.deaf:
            self._end(channel)

    def _end(self, channel: Channel) -> None:
        self.forget(channel.source)
        channel.finish()
        with contextlib.suppress(OSError):
            os.close(channel.source)


def run_one(channel: Channel) -> None:
    """Run one channel to its end where the system cannot wait for a pipe, as on Windows: a thread reads it."""
    pieces: queue.Queue[bytes] = queue.Queue(maxsize=1)

    def read() -> None:
        data = b"."
        while data:
            try:
                data = os.read(channel.source, CHUNK)
            except OSError:
                channel.failure, data = not_read(), b""
            pieces.put(data)

    threading.Thread(target=read, daemon=True).start()
    data = b"."
    while data and not channel.deaf:
        try:
            data = pieces.get(timeout=IDLE if channel.stream.held else None)
        except queue.Empty:
            channel.idle()
            continue
        channel.take(data)
    channel.finish()


def is_writable(descriptor: int) -> bool:
    """Whether it takes output; one that was closed does not, and a program that is run gets it as it is."""
    try:
        os.write(descriptor, b"")
    except OSError as error:
        return error.errno != errno.EBADF
    return True


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, without a time limit; OSError if the reader has closed."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:  # it was made non-blocking, as by another job of the same terminal
            select.select([], [descriptor], [])
