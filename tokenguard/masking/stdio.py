"""`sys.stdout` and `sys.stderr` as masked text streams: print, tracebacks, debug output of libraries.

One state for text and bytes, so that a value written in two pieces, or half through `.buffer`, is still found.
"""

import atexit
import codecs
import io
import sys
import threading
from typing import Any

from tokenguard.masking.current import matcher, tell
from tokenguard.masking.hooks import Undo, replace
from tokenguard.redaction.stream import StreamRedactor


class MaskedText(io.TextIOBase):
    """A text stream before another one. What it does not know itself, it asks the other."""

    def __init__(self, stream: Any, channel: str) -> None:
        self._stream = stream
        self._channel = channel
        self._lock = threading.RLock()
        self._redactor = StreamRedactor(matcher())
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.buffer = MaskedBytes(self) if hasattr(stream, "buffer") else None

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
        self.feed(text.encode("utf-8", "surrogatepass"))
        if "\n" in text and getattr(self._stream, "line_buffering", False):
            self._stream.flush()
        return len(text)

    def feed(self, data: bytes) -> None:
        """Write bytes, as the text they are in UTF-8."""
        with self._lock:
            self._redactor.matcher = matcher()
            self._put(self._redactor.feed(data))

    def flush(self) -> None:
        """Write what is harmless although undecided: a prompt, a progress bar."""
        with self._lock:
            self._put(self._redactor.idle())
        self._stream.flush()

    def finish(self) -> None:
        """Write the rest."""
        with self._lock:
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

    def _put(self, data: bytes) -> None:
        if text := self._decoder.decode(data):
            self._stream.write(text)
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
        self._text.feed(bytes(data))
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


def hook_stdio() -> list[Undo]:
    """Mask what is written to `sys.stdout` and `sys.stderr`."""
    undo: list[Undo] = []
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is not None:
            undo.append(replace(sys, name, lambda stream, name=name: MaskedText(stream, name)))  # type: ignore[misc]
            masked = getattr(sys, name)
            atexit.register(masked.finish)
            undo.append(masked.finish)
    return undo
