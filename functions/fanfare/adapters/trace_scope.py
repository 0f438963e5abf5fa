"""Where this thread is in a trace: what log lines, errors and requests of ours are marked with."""

from __future__ import annotations

from contextvars import ContextVar

from fanfare.domain.trace_context import TraceContext

current_trace: ContextVar[TraceContext | None] = ContextVar("fanfare_trace", default=None)
"""The innermost span; None outside of a request."""
