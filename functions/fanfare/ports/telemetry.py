"""What is told about the work itself to whoever looks into it: traces, and when what was recorded is sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from fanfare.domain.trace_context import SpanKind, TraceContext

Attribute = str | int | float | bool


class Span(Protocol):
    """A piece of work in a trace; no attribute is ever a target, a token, a name of a person or anything that was said."""

    def note(self, **attributes: Attribute) -> None:
        """Add what became known."""
        ...

    def end(self) -> None:
        """Say that the work is over; ending it twice is ending it once."""
        ...


class Telemetry(Protocol):
    """The trace of the request that a thread works on."""

    def begin(self, function: str, name: str, given: TraceContext | None) -> None:
        """Begin a request: what it logs, asks for and records belongs to the trace that it was given, or to a new one."""
        ...

    def end(self, **attributes: Attribute) -> None:
        """End the request's span; a `status` of 500 and more marks it as failed. The thread stays in its trace until the next `begin`."""
        ...

    def span(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> AbstractContextManager[Span]:
        """Record a piece of work, and as part of it whatever is recorded, logged and asked for meanwhile."""
        ...

    def start(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Attribute) -> Span:
        """Record a piece of work beside others, until it is ended: for a generator, which can't say what is done meanwhile."""
        ...

    def headers(self) -> Mapping[str, str]:
        """What a request of ours carries, so that what it leads to belongs to the same trace; nothing outside of a request."""
        ...

    def flush(self) -> None:
        """Send what was recorded: within two seconds, whatever happens, and never raising."""
        ...
