"""Masking for structlog: one processor for the event, one for the rendered line.

`redact_event` masks what processors and other sinks see; `redact_rendered`, placed after the renderer, has the last
word, since a renderer may add what was not in the event (a traceback).
"""

from collections.abc import MutableMapping
from typing import Any

from tokenguard.masking.objects import clean_object
from tokenguard.masking.records import withheld

__all__ = ["redact_event", "redact_rendered"]

_CHANNEL = "structlog"


def redact_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001 - structlog's signature
    """Mask an event's fields, nested ones and keys included; put it before the renderer."""
    try:
        masked: MutableMapping[str, Any] = clean_object(event, _CHANNEL)
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
        return {"event": withheld(error)}
    return masked


def redact_rendered(logger: Any, method: str, rendered: Any) -> Any:  # noqa: ARG001 - structlog's signature
    """Mask what the renderer made, text, bytes or a mapping; put it last."""
    try:
        return clean_object(rendered, _CHANNEL)
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
        text = withheld(error)
        return text.encode() if isinstance(rendered, bytes) else text
