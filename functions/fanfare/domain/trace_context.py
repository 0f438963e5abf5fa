"""The place in a trace where a request stands, as headers carry it.

| header | form | from |
|---|---|---|
| `traceparent` | `00-{trace}-{span}-{flags}`, lower-case hex (W3C Trace Context) | whoever calls us, Cloud Run, and ourselves through a task |
| `X-Cloud-Trace-Context` | `{trace}/{span, decimal};o={1: sampled}` (cloud.google.com/trace/docs/trace-context) | Google's front ends |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z", re.ASCII)
_CLOUD = re.compile(r"(?!0{32})([0-9a-f]{32})(?:/([0-9]{1,20}))?(?:;o=([0-9]{1,3}))?\Z", re.ASCII | re.IGNORECASE)
_SAMPLED = 1
_SPANS = 2**64


class SpanKind(StrEnum):
    """What a span stands for, in OpenTelemetry's words."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A trace (32 hex digits) and the span in it (16, or empty where only the trace is known) that what follows belongs to."""

    trace_id: str
    span_id: str
    is_sampled: bool


def read_trace_context(traceparent: str, cloud_trace: str) -> TraceContext | None:
    """Read the two headers, empty where they are missing; None unless one of them has its form. `traceparent` goes first."""
    return _read_traceparent(traceparent) or _read_cloud_trace(cloud_trace)


def traceparent_of(context: TraceContext) -> str:
    """Word a place whose span is known as the header `traceparent`."""
    return f"00-{context.trace_id}-{context.span_id}-{int(context.is_sampled):02x}"


def _read_traceparent(text: str) -> TraceContext | None:
    found = _TRACEPARENT.match(text)
    if found is None:
        return None
    version, trace, span, flags, rest = found.groups()
    if version == "00" and rest is not None:
        return None
    return TraceContext(trace, span, bool(int(flags, 16) & _SAMPLED))


def _read_cloud_trace(text: str) -> TraceContext | None:
    found = _CLOUD.match(text)
    if found is None:
        return None
    trace, span, options = found.groups()
    number = int(span or 0)
    return TraceContext(trace.lower(), f"{number:016x}" if 0 < number < _SPANS else "", bool(int(options or 0) & _SAMPLED))
