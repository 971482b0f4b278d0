"""Masking for the Sentry SDK: `sentry_sdk.init(**tokenguard.sentry.options(dsn=…))`.

The scrubber runs before the SDK cuts long values, so that a value is still whole, and the hooks cover what it does not
see. An exception in either makes the SDK drop the event, which is what should happen.
"""

import copy
from functools import partial
from pathlib import Path
from typing import Any

from sentry_sdk.scrubber import EventScrubber

from tokenguard.masking.objects import clean_object
from tokenguard.masking.records import withheld

__all__ = ["ValueScrubber", "options"]

_CHANNEL = "sentry"
_HOOKS = ("before_send", "before_send_transaction", "before_send_log", "before_send_metric", "before_breadcrumb")


class ValueScrubber(EventScrubber):
    """Masks values anywhere in an event, in addition to the SDK's own scrubbing by field names."""

    def scrub_event(self, event: Any) -> None:
        """Mask the event in place."""
        super().scrub_event(event)
        masked = clean_object(event, _CHANNEL)
        if masked is not event:
            event.clear()
            event.update(masked)


def options(**own: Any) -> dict[str, Any]:
    """Arguments for `sentry_sdk.init`: your own, with masking around your hooks.

    Local variables are not sent unless you ask for them with `include_local_variables=True`.
    """
    return {
        "include_local_variables": False,
        "event_scrubber": ValueScrubber(recursive=True),
        **own,
        **{name: _masking(own.get(name)) for name in _HOOKS if name in own or name in _supported()},
    }


def _masking(hook: Any) -> Any:
    def masked(thing: Any, hint: Any) -> Any:
        kept = hook(thing, hint) if hook is not None else thing
        if kept is not None and isinstance(hint, dict) and hint.get("attachments"):
            hint["attachments"] = [_attached(each) for each in hint["attachments"]]
        return None if kept is None else clean_object(kept, _CHANNEL)

    return masked


def _attached(attachment: Any) -> Any:
    """A masked copy of an attachment, whose content is read when it is sent, as that of the original."""
    new = copy.copy(attachment)
    new.filename = clean_object(attachment.filename, _CHANNEL)
    new.bytes = partial(_content, attachment)
    return new


def _content(attachment: Any) -> bytes:
    try:
        held = attachment.bytes
        if held is None:
            held = Path(attachment.path).read_bytes()
        masked: bytes = clean_object(held() if callable(held) else held, _CHANNEL)
    except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the event is sent
        return withheld(error, "an attachment").encode()
    return masked


def _supported() -> frozenset[str]:
    """The hooks that this version of the SDK has."""
    from sentry_sdk.consts import DEFAULT_OPTIONS  # private enough to be looked at late

    return frozenset(DEFAULT_OPTIONS)
