"""Structured logs: one JSON object a line on standard output, in Cloud Logging's shape, its errors in the one that Error Reporting groups."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol

import structlog

from fanfare.adapters.trace_scope import current_trace

DEEPEST_FRAMES = 12
ERROR_TYPE = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
_GOOGLE = "logging.googleapis.com"


class ErrorTracker(Protocol):
    """Who hears of every error beside the log."""

    def record(self, event: str, error: BaseException) -> None:
        """Keep an error under the name of its log line."""
        ...


class StructuredLog:
    """Writes events with `severity`, `message`, `time`, the trace of the request and the fields bound to it."""

    def __init__(self, level: str, project: str = "", *, errors: ErrorTracker | None = None) -> None:
        self._project = project
        self._errors = errors
        self._logger = structlog.get_logger()
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                self._trace,
                _rename,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level.upper(), logging.INFO)),
            cache_logger_on_first_use=True,
        )

    def info(self, event: str, **fields: object) -> None:
        """Record something that happened as it should."""
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Record something that an operator may want to look at."""
        self._logger.warning(event, **fields)

    def error(self, event: str, error: BaseException) -> None:
        """Record what nobody foresaw: its type and where it was raised, never its text, which may hold a body."""
        self._logger.error(event, **{"@type": ERROR_TYPE, "error": type(error).__qualname__, "stack_trace": _stack_trace(error)})
        if self._errors is not None:
            self._errors.record(event, error)

    def _trace(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Mark a line with its trace, by which Cloud Logging shows it below its request."""
        trace = current_trace.get()
        if trace is not None:
            event[f"{_GOOGLE}/trace"] = f"projects/{self._project}/traces/{trace.trace_id}"
            event[f"{_GOOGLE}/spanId"] = trace.span_id
            event[f"{_GOOGLE}/trace_sampled"] = trace.is_sampled
        return event


def _stack_trace(error: BaseException) -> str:
    """Word an error as Python's interpreter does, which is how Error Reporting recognizes one, but for its text and the lines of source."""
    frames = list(traceback.walk_tb(error.__traceback__))[-DEEPEST_FRAMES:]
    places = [f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}' for frame, line in frames]
    return "\n".join(["Traceback (most recent call last):", *places, type(error).__qualname__])


def _rename(_logger: object, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Use Cloud Logging's field names (cloud.google.com/logging/docs/structured-logging)."""
    return {"severity": method.upper(), "message": event.pop("event"), **event}
