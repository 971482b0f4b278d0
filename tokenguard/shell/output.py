"""Standard streams that never interrupt a command: neither a closed pipe nor a full disk stops it half-way.

Without them `rotate … 2>&1 | head` could stop in the middle, or end with 0 where the truth is 5.
"""

import errno
import io
import os
import sys

TYPE_CHECKING = False  # the hook starts with this module
if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer

_STANDARD = (0, 1, 2)


UNREAD = frozenset({0, errno.EPIPE, errno.EBADF})
"""What `Output.lost` is where nothing was lost, or nothing is read: the reader left, or the stream was closed."""


class Output(io.FileIO):
    """A descriptor that takes everything; `lost` is the errno of what could not be written, 0 if nothing was lost."""

    lost = 0

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write all of it; what cannot be written is dropped, and why is remembered."""
        view = memoryview(data)
        length = view.nbytes
        while view and not self.lost:
            try:
                view = view[super().write(view) or 0 :]
            except OSError as error:
                self.lost = error.errno or errno.EIO
        return length


def take_standard_streams() -> Output:
    """Put an `Output` under `sys.stdout` and `sys.stderr`, and a stream under each that was closed.

    A closed one first: otherwise the next opened file, maybe the store, would receive printed text.

    Returns:
        What is under `sys.stdout`.
    """
    for descriptor in _STANDARD:
        _keep_open(descriptor)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    output = Output(1, "w", closefd=False)
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(Output(2, "w", closefd=False), sys.stderr, lines=True)
    return output


def _keep_open(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, os.O_RDONLY)  # writing to it fails, as writing to a closed one does
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)


def _text(output: Output, given: "TextIO | None", *, lines: bool = False) -> "TextIO":
    """Text in the encoding that was given; what it cannot say is shown escaped."""
    encoding = given.encoding if given is not None else "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=lines or output.isatty(),
    )
