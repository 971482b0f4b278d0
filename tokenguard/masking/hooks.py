"""The places where a Python process lets text out, each wrapped once and put back by `uninstall`.

`Logger.callHandlers` covers every handler, those added later included, and runs before Sentry's hook and before a
queue or socket pickles the record. `Handler.format` is the last mile, for what a later filter adds.
"""

import contextlib
import io
import logging
import os
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, TextIO

from tokenguard.masking.current import clean, is_clean_line
from tokenguard.masking.objects import clean_exc_info
from tokenguard.masking.records import is_ordinary, mask_record, place_of, withheld

Undo = Callable[[], None]

_MASK = "[tokenguard:"
"""How a mask begins, and what is said instead of a record."""
_FILE = 4
"""Which argument of `traceback.print_exception` the file is."""
_EXC_INFO = ("exc_type", "exc_value", "exc_traceback")
_FORMAT_WARNING: Callable[[warnings.WarningMessage], str] = warnings._formatwarnmsg  # type: ignore[attr-defined]  # noqa: SLF001
"""With the place where `tracemalloc` saw the object, and by way of the program's own `formatwarning`."""
_UNESCAPED = re.compile(rf"(?<!\\){re.escape(_MASK)}")


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> Undo:
    """Put `make(original)` in place of an attribute; what is returned puts the original back."""
    original = getattr(owner, name)
    ours = make(original)
    setattr(owner, name, ours)

    def undo() -> None:
        if getattr(owner, name) is ours:  # a later wrapper keeps working
            setattr(owner, name, original)

    return undo


def hook_logging() -> list[Undo]:
    """Records on their way to handlers, texts on their way out of them, and what logging says of its own errors."""
    return [
        replace(logging.Logger, "callHandlers", _call_handlers),
        replace(logging.Handler, "format", _format),
        replace(logging.Handler, "handleError", _handle_error),
    ]


def hook_exceptions() -> list[Undo]:
    """Mask everything that Python prints of uncaught errors and warnings."""
    return [
        replace(sys, "excepthook", _excepthook),
        replace(threading, "excepthook", _threading_hook),
        replace(sys, "unraisablehook", _unraisable_hook),
        replace(warnings, "_showwarnmsg_impl", _show_warning),  # `showwarning` itself belongs to the program
        replace(traceback, "print_exception", _print_traceback),  # `print_exc` and `multiprocessing` call it
        *_hook_processes(),
    ]


def _hook_processes() -> list[Undo]:
    """Mask the name with which `multiprocessing` reports that a child died: in a child, before it runs."""
    installed = [True]

    def hook() -> list[Undo]:
        process = sys.modules.get("multiprocessing.process")
        return [replace(process.BaseProcess, "_bootstrap", _bootstrap)] if process and installed else []

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=hook)
    return [installed.clear, *hook()]


def _call_handlers(original: Callable[..., None]) -> Callable[..., None]:
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        if not is_ordinary(record):
            mask_record(record)
        original(self, record)

    return call_handlers


def _format(original: Callable[..., str]) -> Callable[..., str]:
    def format_clean(self: logging.Handler, record: logging.LogRecord) -> str:
        text = original(self, record)
        try:
            if is_clean_line(text):
                return text
            if record.exc_info and hasattr(self, "render_message"):
                vars(self).setdefault("render_message", partial(_render_message, self))
            text = clean(text, f"logging:{record.name}")
        except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
            text = withheld(error, place_of(record))
        if _MASK in text and getattr(record, "markup", getattr(self, "markup", False)):
            return _escaped(text)
        return text

    return format_clean


def _render_message(self: Any, record: logging.LogRecord, message: str) -> Any:
    """What rich's handler renders: with an exception it is another text than that of `format`."""
    try:
        text = clean(message, f"logging:{record.name}")
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
        text = withheld(error, place_of(record))
    return type(self).render_message(self, record, _escaped(text) if getattr(record, "markup", self.markup) else text)


def _escaped(text: str) -> str:
    """A text in which rich does not take masks for styles."""
    return _UNESCAPED.sub(lambda found: f"\\{found[0]}", text)


def _handle_error(_: Callable[..., None]) -> Callable[..., None]:
    def handle_error(self: logging.Handler, record: logging.LogRecord) -> None:
        """Say that a record could not be written, without the record: its arguments are what failed."""
        if logging.raiseExceptions and sys.stderr is not None:
            kind = sys.exc_info()[0]
            why = f"{type(self).__name__} could not write a record: {kind.__name__ if kind else 'error'}"
            _print(f"[tokenguard: {why}] {record.pathname}:{record.lineno}\n")

    return handle_error


def _excepthook(original: Callable[..., None]) -> Callable[..., None]:
    def excepthook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if original is sys.__excepthook__ or not _speaks(original, kind, error, trace):
            _print_exception("", kind, error, trace)

    return excepthook


def _threading_hook(original: Callable[..., None]) -> Callable[..., None]:
    def hook(args: threading.ExceptHookArgs) -> None:
        if original is not threading.__excepthook__ and _speaks(original, args):
            return
        if args.exc_type is not SystemExit:
            name = args.thread.name if args.thread is not None else str(threading.get_ident())
            _print_exception(f"Exception in thread {name}:\n", args.exc_type, args.exc_value, args.exc_traceback)

    return hook


def _unraisable_hook(original: Callable[..., None]) -> Callable[..., None]:
    def hook(args: Any) -> None:
        if original is sys.__unraisablehook__ or not _speaks(original, args):
            head = f"{args.err_msg or 'Exception ignored in'}: {_repr(args.object)}\n"
            _print_exception(head, args.exc_type, args.exc_value, args.exc_traceback)

    return hook


def _show_warning(_: Callable[..., None]) -> Callable[..., None]:
    def show(message: warnings.WarningMessage) -> None:
        _print(_FORMAT_WARNING(message), message.file)

    return show


def _print_traceback(original: Callable[..., None]) -> Callable[..., None]:
    def print_exception(*args: Any, file: Any = None, **how: Any) -> None:
        shown = io.StringIO()
        if len(args) > _FILE:
            file, args = args[_FILE], (*args[:_FILE], shown, *args[_FILE + 1 :])
        else:
            how["file"] = shown
        original(*args, **how)
        try:
            text = clean(shown.getvalue(), "exception")
        except Exception as failure:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
            text = f"{withheld(failure, 'a traceback')}\n"
        print(text, file=file or sys.stderr, end="")

    return print_exception


def _bootstrap(original: Callable[..., int]) -> Callable[..., int]:
    def bootstrap(self: Any, *args: Any, **how: Any) -> int:
        try:
            self.name = clean(self.name, "exception")
        except Exception as failure:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
            self.name = withheld(failure, "the name of a process")
        return original(self, *args, **how)

    return bootstrap


def _print_exception(head: str, kind: type[BaseException], error: BaseException | None, trace: Any) -> None:
    try:
        text = head + "".join(traceback.format_exception(kind, error, trace))
    except Exception as failure:  # noqa: BLE001 - an exception that cannot be shown
        text = f"{head}[tokenguard: {kind.__name__} withheld: {type(failure).__name__}]\n"
    _print(text)


def _speaks(hook: Callable[..., None], *args: Any) -> bool:
    """Call a foreign hook, such as a test runner's or an error reporter's; False if it fails.

    Its failure is caught here: Python would print it, with the original error, unmasked.
    """
    caught = io.StringIO()
    try:
        with contextlib.redirect_stderr(caught):
            hook(*_masked(args))
    except Exception as failure:  # noqa: BLE001 - any failure is reported masked
        _print(caught.getvalue())
        _print_exception("Error in a hook for exceptions:\n", type(failure), failure, failure.__traceback__)
        return False
    _print(caught.getvalue())
    return True


def _masked(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a hook is called with, in which an exception, its traceback and its local variables are masked."""
    if len(args) == len(_EXC_INFO):
        return clean_exc_info(args, "exception")
    (given,) = args
    fields = {name: getattr(given, name, None) for name in (*_EXC_INFO, "thread", "err_msg", "object")}
    triple = clean_exc_info(tuple(fields[name] for name in _EXC_INFO), "exception")  # type: ignore[arg-type]
    return (SimpleNamespace(**{**fields, **dict(zip(_EXC_INFO, triple, strict=True))}),)


def _print(text: str, file: TextIO | None = None) -> None:
    stream = file or sys.stderr
    if stream is None:
        return
    try:
        stream.write(clean(text, "exception"))
        stream.flush()
    except Exception:  # noqa: BLE001, S110 - stderr is gone, or nothing can be masked: then nothing is said
        pass


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - the object is broken, that is why we are here
        return f"<{type(value).__name__}: {type(error).__name__}>"
