"""Traces: every request stands in one, which its tasks and webhooks carry on; its spans are recorded only where somebody collects them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Protocol

from fanfare.adapters.outbox import Outbox, flush_all
from fanfare.adapters.trace_scope import current_trace
from fanfare.domain.trace_context import SpanKind, TraceContext, traceparent_of
from fanfare.ports import Log
from fanfare.ports.telemetry import Attribute, Span

Attributes = Mapping[str, Attribute]


class RecordedSpan(Span, Protocol):
    """A span that is recorded, and its place in the trace."""

    @property
    def context(self) -> TraceContext:
        """Where it is."""
        ...

    def fail(self, reason: str) -> None:
        """Mark it as failed; a reason is a type or a status, never a text."""
        ...


class SpanRecorder(Protocol):
    """Records spans for a collector."""

    def record(self, function: str, name: str, parent: TraceContext | None, kind: SpanKind, attributes: Attributes) -> RecordedSpan:
        """Begin a span of one of our functions; one without a parent begins a trace."""
        ...


class _Unrecorded:
    """What stands for a span where nobody collects them."""

    def note(self, **attributes: Attribute) -> None:
        """Forget it."""

    def end(self) -> None:
        """There is nothing to end."""


_UNRECORDED = _Unrecorded()
_function: ContextVar[str] = ContextVar("fanfare_function", default="")
_request: ContextVar[RecordedSpan | None] = ContextVar("fanfare_request", default=None)


class RequestTelemetry:
    """Keeps the trace of the request of each thread. Without a recorder the trace is only carried on."""

    def __init__(self, log: Log, draw: Callable[[int], bytes], *, recorder: SpanRecorder | None = None, outboxes: Sequence[Outbox[Any]] = ()) -> None:
        self._log = log
        self._draw = draw
        self._recorder = recorder
        self._outboxes = outboxes

    def begin(self, function: str, name: str, given: TraceContext | None) -> None:
        """Begin a request in the trace that it was given, or in a new one."""
        parent = given if given is None or given.span_id else replace(given, span_id=self._draw(8).hex())
        _function.set(function)
        if self._recorder is None:
            _request.set(None)
            current_trace.set(parent or TraceContext(self._draw(16).hex(), self._draw(8).hex(), is_sampled=False))
            return
        span = self._recorder.record(function, f"{function} {name}", parent, SpanKind.SERVER, {})
        _request.set(span)
        current_trace.set(span.context)

    def end(self, **attributes: Attribute) -> None:
        """End the request's span."""
        span = _request.get()
        if span is None:
            return
        span.note(**attributes)
        status = attributes.get("status")
        if isinstance(status, int) and status >= 500:
            span.fail(str(status))
        span.end()

    @contextmanager
    def span(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> Iterator[Span]:
        """Record a piece of work, and as part of it whatever is done meanwhile."""
        span, outer = self._record(name, kind, attributes), current_trace.get()
        if span is None:
            yield _UNRECORDED
            return
        current_trace.set(span.context)
        try:
            yield span
        except BaseException as error:
            span.fail(type(error).__qualname__)
            raise
        finally:
            current_trace.set(outer)
            span.end()

    def start(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> Span:
        """Record a piece of work beside others, until it is ended."""
        return self._record(name, kind, attributes) or _UNRECORDED

    def headers(self) -> Mapping[str, str]:
        """What a request of ours carries."""
        context = current_trace.get()
        return {} if context is None else {"traceparent": traceparent_of(context)}

    def flush(self) -> None:
        """Send what was recorded; where it is not taken, say so once and leave it for a minute."""
        for name in flush_all(self._outboxes):
            self._log.warning("telemetry_paused", outbox=name)

    def _record(self, name: str, kind: SpanKind, attributes: Attributes) -> RecordedSpan | None:
        parent = current_trace.get()
        if self._recorder is None or parent is None:
            return None
        return self._recorder.record(_function.get(), name, parent, kind, attributes)
