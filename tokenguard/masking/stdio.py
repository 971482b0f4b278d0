"""`sys.stdout` and `sys.stderr` as masked streams: print, tracebacks, debug output of libraries.

Python's own text layer stays in front, so that text is gathered and encoded as ever; masking is done on what it passes
on. A value written in two pieces, or half through `.buffer`, is still found.
"""

import atexit
import codecs
import io
import os
import sys
import threading
from typing import Any

from tokenguard.masking.current import matcher, report_leaks
from tokenguard.masking.hooks import Undo, replace
from tokenguard.redaction.stream import StreamRedactor

_END = 0.1
"""Seconds that Python's end waits for a stream."""
_FORK = 1.0
"""Seconds that a fork waits for a writer; a writer takes longer only if its output is not read."""


class MaskedBytes(io.BufferedIOBase):
    """The binary layer: masks what is written, and passes it on to the layer below.

    Args:
        below: where masked bytes go.
        channel: what leaks in it are reported under.
    """

    def __init__(self, below: Any, channel: str) -> None:
        self.below = below
        self._channel = channel
        self._begin()

        self._ended = False

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._redactor = StreamRedactor(matcher())

    def survive_forks(self) -> None:
        """Let no thread be in the middle of writing at a fork: the child would wait for it for ever.

        In the child the stream begins anew: what is held back is the parent's to write.
        """
        waited = threading.local()

        def wait() -> None:
            waited.done = self._lock.acquire(timeout=_FORK)

        def go_on() -> None:
            if waited.done:
                self._lock.release()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=wait, after_in_parent=go_on, after_in_child=self._begin)

    def write(self, data: Any, /) -> int:
        """Write bytes; what may still become a value stays here until it is decided, or until `flush`."""
        if type(data) is not bytes:
            data = bytes(data)
        if self._lock.acquire(False) or self._enter():
            try:
                redactor = self._redactor
                redactor.matcher = matcher()
                if out := redactor.feed(data):
                    self.below.write(out)
                if redactor.found:
                    self._tell()
                if self._ended:
                    self._pass_on(redactor.idle())
            except UnicodeError:  # the stream below refuses a text: nothing is left of it, as without masking
                self._redactor = StreamRedactor(matcher())
                raise
            finally:
                self._lock.release()
        return len(data)

    def flush(self) -> None:
        """Write what is harmless although undecided: a prompt, a progress bar."""
        if self._lock.acquire(False) or self._enter():
            try:
                if out := self._redactor.idle():
                    self.below.write(out)
                self.below.flush()
            finally:
                self._lock.release()

    def finish(self) -> None:
        """Write the rest; what follows all the same is passed on at once."""
        if not self.closed and self._enter():
            try:
                self._ended = True
                self._pass_on(self._redactor.finish())
                self.below.flush()
            finally:
                self._lock.release()

    def close(self) -> None:
        """Write the rest. The layer below stays open, as standard descriptors do, for those that hold it."""
        if not self.closed:
            self.finish()
            super().close()

    def fileno(self) -> int:
        """The descriptor below; what is written to it directly is not masked."""
        return int(self.below.fileno())

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return bool(self.below.isatty())

    def writable(self) -> bool:
        """Always."""
        return True

    @property
    def name(self) -> Any:
        """The name of the file below."""
        return self.below.name

    @property
    def mode(self) -> Any:
        """The mode of the file below."""
        return self.below.mode

    @property
    def raw(self) -> Any:
        """Itself: nothing below is for others to write to."""
        return self

    def _enter(self) -> bool:
        """Take the stream; at its end, Python has frozen threads that may hold it."""
        return self._lock.acquire(timeout=_END if sys.is_finalizing() else -1)

    def _pass_on(self, out: bytes) -> None:
        if out:
            self.below.write(out)
        if self._redactor.found:
            self._tell()

    def _tell(self) -> None:
        found = self._redactor.found.copy()
        self._redactor.found.clear()
        report_leaks(found, self._channel)


class MaskedText(io.TextIOWrapper):
    """Python's text layer over a masked one. What it does not know itself, it asks the stream that it stands before."""

    def __init__(self, stream: Any, channel: str) -> None:
        stream.flush()
        self.masked = MaskedBytes(_below(stream), channel)
        super().__init__(
            self.masked,
            encoding=stream.encoding if _is_utf8(stream) else "utf-8",
            errors=getattr(stream, "errors", None),
            newline=None if os.name == "nt" else "\n",
            line_buffering=bool(getattr(stream, "line_buffering", False)),
            write_through=bool(getattr(stream, "write_through", True)),
        )
        self._stream = stream
        self._is_utf8 = _is_utf8(stream)

    def __getattr__(self, name: str) -> Any:
        if name == "_stream":  # before it is there
            raise AttributeError(name)
        return getattr(self._stream, name)

    @property
    def buffer(self) -> Any:
        """The binary layer."""
        return self.masked if self._is_utf8 else _Binary(self)

    def finish(self) -> None:
        """Write the rest; what Python itself still writes at its end is passed on at once."""
        try:
            if self.closed:
                return
        except ValueError:  # detached: the program's own text layer is in front of the masked one
            self.masked.finish()
            return
        if not getattr(self._stream, "closed", False):
            self.reconfigure(write_through=True)
            self.flush()
            self.masked.finish()


class _Decoded(io.RawIOBase):
    """The binary layer of a stream that has none, or another encoding than UTF-8: it is given text."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.is_binary = False

    def write(self, data: Any, /) -> int:
        """Pass on as text, or as the bytes that they are."""
        if self.is_binary:
            self._stream.flush()
            self._stream.buffer.write(data)
        else:
            self._stream.write(self._decoder.decode(bytes(data)))
        return len(data)

    def flush(self) -> None:
        """Flush the stream, if it is still there."""
        if not getattr(self._stream, "closed", False):
            self._stream.flush()

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The descriptor of the stream."""
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return bool(self._stream.isatty())

    @property
    def name(self) -> Any:
        """The name of the stream."""
        return self._stream.name


class _Binary(io.RawIOBase):
    """What a program finds as `.buffer` of a text stream whose encoding is not UTF-8."""

    def __init__(self, text: MaskedText) -> None:
        self._text = text

    def write(self, data: Any, /) -> int:
        """Mask bytes, and pass them on as they are."""
        self._text.flush()
        below: Any = self._text.masked.below
        below.is_binary = True
        try:
            self._text.masked.write(data)
            self._text.masked.flush()
        finally:
            below.is_binary = False
        return len(data)

    def flush(self) -> None:
        """Flush the text stream, if it is still there."""
        if not self._text.closed:
            self._text.flush()

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The descriptor below."""
        return self._text.fileno()


def _is_utf8(stream: Any) -> bool:
    return codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name == "utf-8"


def _below(stream: Any) -> Any:
    return stream.buffer if hasattr(stream, "buffer") and _is_utf8(stream) else _Decoded(stream)


def hook_stdio() -> list[Undo]:
    """Mask what is written to `sys.stdout`, `sys.stderr` and the originals, to which Python returns at its end."""
    undo: list[Undo] = []
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            continue
        masked = MaskedText(stream, name)
        places = [each for each in (name, f"__{name}__") if getattr(sys, each) is stream]
        undo += [replace(sys, each, lambda _, masked=masked: masked) for each in places]  # type: ignore[misc]
        masked.masked.survive_forks()
        atexit.register(masked.finish)
        undo.append(masked.finish)
    return undo
