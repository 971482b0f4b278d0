"""Masking for loguru: a sink that masks the final text, exceptions and their variables included.

A patcher alone sees the message before the traceback is added, and `diagnose=True` cuts variables so that a value is
no longer whole; the sink sees everything, and cut values are known by their pieces. Use `diagnose=False` all the same.
"""

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, TextIO

from tokenguard.masking.current import clean
from tokenguard.masking.objects import clean_exc_info, clean_object
from tokenguard.masking.records import withheld
from tokenguard.posix import COMMON_FLAGS

__all__ = ["patch", "sink"]

_CHANNEL = "loguru"


class MaskedSink:
    """Masks, then writes; loguru closes it when the sink is removed.

    Args:
        write: writes a text.
        close: called at the end.
        stream: where it is written to, by which loguru decides on colours and frames; None: without colours.
    """

    def __init__(self, write: Callable[[str], Any], close: Callable[[], None], stream: Any = None) -> None:
        self._write = write
        self._close = close
        self._stream = stream
        self.encoding = "utf8" if stream is None else getattr(stream, "encoding", None)

    def isatty(self) -> bool:
        """Whether it writes to a terminal."""
        return hasattr(self._stream, "isatty") and bool(self._stream.isatty())

    def write(self, message: str) -> None:
        """Write one formatted message; withheld if it cannot be masked."""
        try:
            text = clean(str(message), _CHANNEL)
        except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
            text = f"{withheld(error, _place(message))}\n"
        self._write(text)

    def stop(self) -> None:
        """Close a file that `sink` opened."""
        self._close()


def sink(target: TextIO | str | os.PathLike[str] | Callable[[str], Any]) -> MaskedSink:
    """A sink for `logger.add` that masks, and then writes to `target`: a stream, a file's path or another sink."""
    if callable(target):
        return MaskedSink(target, lambda: None)
    if isinstance(target, str | os.PathLike):
        file = _private(Path(target))
        return MaskedSink(_flushing(file), file.close)
    return MaskedSink(_flushing(target), lambda: None, target)


def patch(record: MutableMapping[str, Any]) -> None:
    """A patcher for `logger.configure`: masks message, `extra` and exception for sinks not made with `sink` too."""
    try:
        record["message"] = clean(str(record["message"]), _CHANNEL)
        record["extra"] = clean_object(record["extra"], _CHANNEL)
        if record["exception"] is not None:
            record["exception"] = record["exception"]._replace(**_masked(record["exception"]))
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
        where = f"{record['file'].name}:{record['line']}"
        record["message"], record["extra"], record["exception"] = withheld(error, where), {}, None


def _masked(exception: Any) -> dict[str, Any]:
    names = ("type", "value", "traceback")
    triple = tuple(getattr(exception, name) for name in names)
    return dict(zip(names, clean_exc_info(triple, _CHANNEL), strict=True))


def _place(message: Any) -> str:
    record = getattr(message, "record", None)
    return f"{record['file'].name}:{record['line']}" if record else "a message"


def _private(path: Path) -> TextIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | COMMON_FLAGS, 0o600)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def _flushing(stream: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write
