"""The trace that a request belongs to, as its headers say."""

from __future__ import annotations

import structlog
from flask import request

from fanfare.domain.trace_context import read_trace_context
from fanfare.ports import Deps


def begin_trace(deps: Deps, function: str) -> None:
    """Forget the request that this thread worked on before, and begin this one in its trace."""
    structlog.contextvars.clear_contextvars()
    given = read_trace_context(request.headers.get("traceparent", ""), request.headers.get("X-Cloud-Trace-Context", ""))
    # The route and never the path, which may name a person.
    rule = request.url_rule.rule if request.url_rule else "unknown"
    deps.telemetry.begin(function, f"{request.method} {rule}", given)
