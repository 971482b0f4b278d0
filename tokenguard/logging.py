"""Masking for the standard library's logging: a filter and a formatter for `dictConfig`, and `harden` for a whole one.

Put the filter on handlers, not on loggers: a logger's filter does not see what its children log. `install()` needs
neither; these are for programs that configure each handler themselves.
"""

import logging
from collections.abc import Mapping
from typing import Any

from tokenguard.masking.current import clean, mask, unmask
from tokenguard.masking.install import install
from tokenguard.masking.records import clean_record, place_of, withheld

__all__ = ["RedactFilter", "RedactFormatter", "harden", "install", "mask", "unmask"]

_NAME = "tokenguard"


class RedactFilter(logging.Filter):
    """Masks records on their way into a handler; a record without a leak stays as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record and let it pass."""
        clean_record(record)
        return True


class RedactFormatter(logging.Formatter):
    """Masks the final text of another formatter.

    Args:
        inner: the formatter whose text is masked (in a `dictConfig`: `cfg://formatters.NAME`, defined before); a
            plain one made from the other arguments if None.
        fmt, datefmt, style, validate, defaults: as in `logging.Formatter`.
    """

    def __init__(self, *args: Any, inner: logging.Formatter | None = None, **how: Any) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter(*args, **how)

    def format(self, record: logging.LogRecord) -> str:
        """The inner formatter's text with masks; withheld if it cannot be masked."""
        text = self._inner.format(record)
        try:
            return clean(text, f"logging:{record.name}")
        except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
            return withheld(error, place_of(record))


def harden(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a `dictConfig` mapping in which every handler masks what it gets."""
    return {
        "version": 1,
        **config,
        "filters": {**(config.get("filters") or {}), _NAME: {"()": "tokenguard.logging.RedactFilter"}},
        "handlers": {name: _hardened(handler) for name, handler in (config.get("handlers") or {}).items()},
    }


def _hardened(handler: Mapping[str, Any]) -> dict[str, Any]:
    filters = [each for each in handler.get("filters") or () if each != _NAME]
    return {**handler, "filters": [*filters, _NAME]}  # last: after those that add something
