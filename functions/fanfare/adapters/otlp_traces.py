"""Spans for a collector that speaks OTLP over HTTP. Imported only where `OTEL_EXPORTER_OTLP_ENDPOINT` is set: it takes a quarter of a second."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, Tracer, set_span_in_context
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind as OtelKind

from fanfare.adapters.outbox import PATIENCE_SECONDS, Outbox
from fanfare.domain.trace_context import SpanKind, TraceContext
from fanfare.domain.version import VERSION
from fanfare.ports import Clock
from fanfare.ports.telemetry import Attribute

_KINDS = {kind: OtelKind[kind.name] for kind in SpanKind}
_NAMES = {"method": "http.request.method", "route": "http.route", "status": "http.response.status_code"}
"""Attributes that OpenTelemetry has a name for; the others are our own."""


class OtlpSpan:
    """A span of OpenTelemetry."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    @property
    def context(self) -> TraceContext:
        """Where it is."""
        found = self._span.get_span_context()
        return TraceContext(f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags.sampled)

    def note(self, **attributes: Attribute) -> None:
        """Add what became known."""
        self._span.set_attributes(_named(attributes))

    def fail(self, reason: str) -> None:
        """Mark it as failed."""
        self._span.set_status(Status(StatusCode.ERROR))
        self._span.set_attribute("error.type", reason)

    def end(self) -> None:
        """Say that the work is over."""
        if self._span.is_recording():
            self._span.end()


class OtlpRecorder:
    """Records spans, each function's as a service of its own, and keeps those that are over in an outbox."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        # What can't be sent is told by our own log; OpenTelemetry's lines are no JSON.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self.outbox: Outbox[ReadableSpan] = Outbox("traces", self._send, clock)
        self._exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=PATIENCE_SECONDS)
        self._tracers: dict[str, Tracer] = {}

    def record(self, function: str, name: str, parent: TraceContext | None, kind: SpanKind, attributes: Mapping[str, Attribute]) -> OtlpSpan:
        """Begin a span; whether it is sampled is its parent's decision, and without one it is."""
        above = set_span_in_context(NonRecordingSpan(_context_of(parent))) if parent is not None else None
        return OtlpSpan(self._tracer(function).start_span(name, above, kind=_KINDS[kind], attributes=_named(attributes)))

    def _tracer(self, function: str) -> Tracer:
        if function not in self._tracers:
            named = {"service.namespace": "fanfare", "service.name": f"fanfare-{function}", "service.version": VERSION}
            provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
            provider.add_span_processor(_Collect(self.outbox))
            self._tracers[function] = provider.get_tracer("fanfare", VERSION)
        return self._tracers[function]

    def _send(self, spans: Sequence[ReadableSpan]) -> bool:
        return self._exporter.export(spans) is SpanExportResult.SUCCESS


class _Collect(SpanProcessor):
    def __init__(self, outbox: Outbox[ReadableSpan]) -> None:
        self._outbox = outbox

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._outbox.put(span)


def _context_of(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=flags)


def _named(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {_NAMES.get(name, f"fanfare.{name}"): value for name, value in attributes.items()}
