"""`sys.stdout` and `sys.stderr` as masked text streams: print, tracebacks, debug output of libraries.

One state for text and bytes, so that a value written in two pieces, or half through `.buffer`, is still found.
"""

import atexit
import codecs
import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from tokenguard.masking.current import matcher, tell
from tokenguard.masking.hooks import Undo, replace
from tokenguard.redaction.stream import StreamRedactor

_END = 0.1
"""Seconds that Python's end waits for a stream."""
_FORK = 1.0
"""Seconds that a fork waits for a writer; a writer takes longer only if its output is not read."""


class MaskedText(io.TextIOBase):
    """A text stream before another one. What it does not know itself, it asks the other."""

    def __init__(self, stream: Any, channel: str) -> None:
        self._stream = stream
        self._channel = channel
        self._begin()
        self.buffer = MaskedBytes(self) if hasattr(stream, "buffer") else None

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._redactor = StreamRedactor(matcher())
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

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

        os.register_at_fork(before=wait, after_in_parent=go_on, after_in_child=self._begin)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What the stream below encodes to."""
        return str(getattr(self._stream, "encoding", "utf-8"))

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How the stream below treats what it cannot encode."""
        return getattr(self._stream, "errors", None)

    def write(self, text: str) -> int:
        """Write text; what may still become a value stays here until it is decided, or until `flush`."""
        if not text.isascii():
            text.encode(self.encoding, self.errors or "strict")  # fails here as it would below, before it is held back
        with self._alone():
            self.feed(_utf8(text))
            if "\n" in text and getattr(self._stream, "line_buffering", False):
                self._stream.flush()
        return len(text)

    def feed(self, data: bytes, *, binary: bool = False) -> None:
        """Write bytes: as the text they are in UTF-8, or as they are."""
        with self._alone() as allowed:
            if allowed:
                self._redactor.matcher = matcher()
                self._put(self._redactor.feed(data), binary=binary)

    def flush(self) -> None:
        """Write what is harmless although undecided: a prompt, a progress bar."""
        with self._alone() as allowed:
            if allowed:
                self._put(self._redactor.idle())
            self._stream.flush()

    def finish(self) -> None:
        """Write the rest."""
        with self._alone() as allowed:
            if allowed:
                self._put(self._redactor.finish())
            self._stream.flush()

    def fileno(self) -> int:
        """The descriptor below; what is written to it directly is not masked."""
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return bool(self._stream.isatty())

    def writable(self) -> bool:
        """Always."""
        return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this thread has the stream for itself; at its end, Python has frozen threads that may hold it."""
        allowed = self._lock.acquire(timeout=_END if sys.is_finalizing() else -1)
        try:
            yield allowed
        finally:
            if allowed:
                self._lock.release()

    def _put(self, data: bytes, *, binary: bool = False) -> None:
        data = self._decoder.getstate()[0] + data
        self._decoder.reset()
        try:
            if not binary and (text := self._decoder.decode(data)):
                self._stream.write(text)
        except UnicodeEncodeError:  # the end of something binary, that was held back
            self._decoder.reset()
            binary = True
        if binary:
            self._stream.flush()
            self._stream.buffer.write(data)
        if self._redactor.found:
            found = self._redactor.found.copy()
            self._redactor.found.clear()
            tell(found, self._channel)


class MaskedBytes(io.RawIOBase):
    """The `.buffer` of a masked text stream."""

    def __init__(self, text: MaskedText) -> None:
        self._text = text

    def write(self, data: Any) -> int:
        """Write bytes."""
        self._text.feed(bytes(data), binary=True)
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


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return text.encode("utf-8", "surrogatepass")


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
        masked.survive_forks()
        atexit.register(masked.finish)
        undo.append(masked.finish)
    return undo
