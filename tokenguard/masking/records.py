"""Masking of log records in kind: message, arguments, exception, stack, names and extra fields.

A record is changed only on a hit. If anything fails, what the record says is withheld and the program goes on.
"""

import logging
from collections.abc import Mapping
from typing import Any

from tokenguard.masking.current import clean, is_clean, is_clean_message, reported_once
from tokenguard.masking.objects import clean_exc_info, clean_object

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
_SIZE = len(vars(logging.LogRecord("", 0, "", 0, "", (), None)))
"""Attributes of a record to which nothing was added."""
_NAMES = ("name", "threadName", "processName", "taskName", "pathname", "filename", "module", "funcName")


def clean_record(record: logging.LogRecord) -> logging.LogRecord:
    """Mask a record in place and return it. Never raises."""
    if not is_ordinary(record):
        mask_record(record)
    return record


def mask_record(record: logging.LogRecord) -> None:
    """Mask a record that may not be ordinary in place. Never raises."""
    try:
        channel = f"logging:{record.name}"
        with reported_once(channel):
            _clean(record, channel)
    except Exception as error:  # noqa: BLE001 - a bad record must not stop the program
        _withhold(record, error)


def withheld(error: Exception, where: str) -> str:
    """What is said instead of a text that could not be masked: why, and where it comes from."""
    return f"[tokenguard: record withheld: {type(error).__name__} while masking {where}]"


def place_of(record: logging.LogRecord) -> str:
    """Where a record was logged; without its directory, since that is not in a line's usual form either."""
    return f"{record.filename}:{record.lineno}"


def _withhold(record: logging.LogRecord, error: Exception) -> None:
    """Leave nothing of a record but where it came from."""
    record.msg = withheld(error, place_of(record))
    record.args = ()
    record.exc_info = record.exc_text = record.stack_info = None
    for name in [name for name in vars(record) if name not in _STANDARD]:
        del record.__dict__[name]
    vars(record).pop("message", None)


def is_ordinary(record: logging.LogRecord) -> bool:
    """Whether it is a clean text with nothing but texts and numbers in it, as most are: what that costs, all cost."""
    try:
        args, fields = record.args, record.__dict__
        if record.exc_info or record.exc_text or record.stack_info or (args and type(args) is not tuple):
            return False
        for each in args or ():
            if type(each) is not str and type(each) is not int:  # an object is asked for its text as seldom as can be
                return False
        text = record.getMessage()
        task = fields.get("taskName")  # since Python 3.12
        names = record.name, record.threadName, record.processName, record.pathname, record.funcName, task
        if (len(fields) != _SIZE and not _STANDARD.issuperset(fields)) or not is_clean_message(text, names):
            return False
        for each in args or ():
            if each is not text and type(each) is str and each not in text:
                return False
    except Exception:  # noqa: BLE001 - what is wrong with it is told by what masks it
        return False
    return True


def _clean(record: logging.LogRecord, channel: str) -> None:
    _message(record, channel)
    for name in _NAMES:
        if isinstance(held := getattr(record, name, None), str) and not is_clean(held):
            setattr(record, name, clean(held, channel))
    if record.exc_text:
        record.exc_text = clean(record.exc_text, channel)
    if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
        record.exc_info = clean_exc_info(record.exc_info, channel)
    if record.stack_info:
        record.stack_info = clean(record.stack_info, channel)
    if not _STANDARD.issuperset(record.__dict__):
        _extra(record, channel)


def _message(record: logging.LogRecord, channel: str) -> None:
    text = record.getMessage()
    masked = clean(text, channel)
    if masked is text and not (record.args and _hides(record.args, text, channel)):
        return
    record.msg, record.args = clean_object(record.msg, channel), _clean_args(record.args, channel)
    try:
        whole = record.getMessage()
    except (TypeError, ValueError):
        whole = ""
    if whole != masked and (isinstance(record.msg, str) or clean(whole, channel) is not whole):
        record.msg, record.args = masked, ()  # a value that only message and arguments together make


def _clean_args(args: Any, channel: str) -> Any:
    """Arguments in kind: mask the mapping itself, or each of a tuple."""
    return clean_object(args, channel) if isinstance(args, Mapping) else tuple(clean_object(x, channel) for x in args)


def _hides(args: Any, text: str, channel: str) -> bool:
    """Whether an argument holds what the message does not show (`%.10s`) and a pickling handler would send."""
    for value in args.values() if isinstance(args, Mapping) else args:
        kind = type(value)
        shown = kind is int or (kind is str and value in text)
        if not shown and clean_object(value, channel) is not value:
            return True
    return False


def _extra(record: logging.LogRecord, channel: str) -> None:
    for name, value in list(vars(record).items()):
        if name in _STANDARD:
            continue
        masked_name = clean(name, channel)
        masked = clean_object(value, channel)
        if masked_name is not name:
            del record.__dict__[name]
        if masked is not value or masked_name is not name:
            record.__dict__[masked_name] = masked
