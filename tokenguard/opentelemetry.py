"""Masking for OpenTelemetry's SDK: a processor for logs, and one for spans that stands before another.

`provider.add_log_record_processor(RedactLogs())` before the processor that exports;
`provider.add_span_processor(RedactSpans(BatchSpanProcessor(exporter)))`. What cannot be masked is not exported.
"""

import logging
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Link
from opentelemetry.trace.status import Status

from tokenguard.masking.objects import clean_object
from tokenguard.masking.records import withheld

__all__ = ["RedactLogs", "RedactSpans"]

_CHANNEL = "opentelemetry"
_LOG = logging.getLogger("tokenguard")


class RedactLogs(LogRecordProcessor):
    """Masks log records in place, before the processors that are added after it."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Mask body, attributes and event name; withhold them if they cannot be masked."""
        record = log_record.log_record
        try:
            record.body = clean_object(record.body, _CHANNEL)
            record.event_name = clean_object(record.event_name, _CHANNEL)
            for name, value in list((record.attributes or {}).items()):
                _replace(record.attributes, name, value)
        except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
            record.body, record.attributes = withheld(error, "a log record"), {}

    def shutdown(self) -> None:
        """Nothing to end."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Nothing is buffered here."""
        return True


class RedactSpans(SpanProcessor):
    """Passes masked copies of ended spans to another processor; the program's own spans never change.

    Args:
        inner: the processor that exports.
    """

    def __init__(self, inner: SpanProcessor) -> None:
        self._inner = inner

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Pass the span on unmasked: processors export a span when it ends."""
        self._inner.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass on a masked copy; a span that cannot be masked is left out, with a warning."""
        try:
            masked = _masked(span)
        except Exception as error:  # noqa: BLE001 - nothing may pass unmasked, and the program goes on
            _LOG.warning("%s", withheld(error, "a span"))
            return
        self._inner.on_end(masked)

    def shutdown(self) -> None:
        """Shut down the other processor."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other processor."""
        return self._inner.force_flush(timeout_millis)


def _replace(attributes: Any, name: str, value: Any) -> None:
    masked_name, masked = clean_object(name, _CHANNEL), clean_object(value, _CHANNEL)
    if masked_name is not name:
        del attributes[name]
    if masked is not value or masked_name is not name:
        attributes[masked_name] = masked


def _attributes(given: Any) -> Any:
    return clean_object(dict(given or {}), _CHANNEL)


def _masked(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=clean_object(span.name, _CHANNEL),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes),
        events=[Event(clean_object(e.name, _CHANNEL), _attributes(e.attributes), e.timestamp) for e in span.events],
        links=[Link(each.context, _attributes(each.attributes)) for each in span.links],
        kind=span.kind,
        status=Status(span.status.status_code, clean_object(span.status.description, _CHANNEL)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
