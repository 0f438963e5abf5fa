"""Telemetry without a collector: the trace of the request at hand, and what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from fanfare.domain.trace_context import SpanKind, TraceContext, traceparent_of
from fanfare.ports.telemetry import Attribute, Span


@dataclass
class RecordedSpan:
    """One piece of work; `is_over` once it was ended."""

    name: str
    kind: SpanKind
    attributes: dict[str, Attribute] = field(default_factory=dict)
    is_over: bool = False

    def note(self, **attributes: Attribute) -> None:
        self.attributes.update(attributes)

    def end(self) -> None:
        self.is_over = True


class RecordingTelemetry:
    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []
        self.current: TraceContext | None = None
        self.flushes = 0

    def begin(self, function: str, name: str, given: TraceContext | None) -> None:
        self.current = given
        self.start(f"{function} {name}", SpanKind.SERVER)

    def end(self, **attributes: Attribute) -> None:
        served = next(span for span in reversed(self.spans) if span.kind is SpanKind.SERVER)
        served.note(**attributes)
        served.end()

    @contextmanager
    def span(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> Iterator[Span]:
        span = self.start(name, kind, **attributes)
        try:
            yield span
        finally:
            span.end()

    def start(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> RecordedSpan:
        self.spans.append(RecordedSpan(name, kind, dict(attributes)))
        return self.spans[-1]

    def headers(self) -> Mapping[str, str]:
        return {} if self.current is None else {"traceparent": traceparent_of(self.current)}

    def flush(self) -> None:
        self.flushes += 1
