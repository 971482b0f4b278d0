"""Masking for structlog: one processor for the event, one for the rendered line.

`redact_event` masks what processors and other sinks see; `redact_rendered`, placed after the renderer, has the last
word, since a renderer may add what was not in the event (a traceback).
"""

import sys
from collections.abc import MutableMapping
from typing import Any

from tokenguard.masking.objects import clean_exc_info, clean_object
from tokenguard.masking.records import withheld

__all__ = ["redact_event", "redact_rendered"]

_CHANNEL = "structlog"
_NEEDED = ("_record", "_from_structlog")
"""What structlog's formatter puts into an event and takes out again."""


def redact_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001 - structlog's signature
    """Mask an event's fields, nested ones and keys included; put it before the renderer."""
    try:
        masked: MutableMapping[str, Any] = clean_object(_with_exception(event), _CHANNEL)
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
        kept = {name: event[name] for name in _NEEDED if name in event}
        return {**kept, "event": withheld(error, f"an event of {method}()")}
    return masked


def _with_exception(event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with the exception itself: a renderer that is told `exc_info=True` would look for it unmasked."""
    current = sys.exc_info()
    if event.get("exc_info") is not True or current[0] is None:
        return event
    masked = clean_exc_info(current, _CHANNEL)
    return event if masked is current else {**event, "exc_info": masked}


def redact_rendered(logger: Any, method: str, rendered: Any) -> Any:  # noqa: ARG001 - structlog's signature
    """Mask what the renderer made, text, bytes or a mapping; put it last."""
    try:
        return clean_object(rendered, _CHANNEL)
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
        text = withheld(error, f"the line of {method}()")
        return text.encode() if isinstance(rendered, bytes) else text
