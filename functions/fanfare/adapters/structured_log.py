"""Structured logs: one JSON object a line on standard output, in the shape that Cloud Logging reads."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

DEEPEST_FRAMES = 12


class StructuredLog:
    """Writes events with `severity`, `message`, a time and the fields bound to the request."""

    def __init__(self, level: str) -> None:
        self._logger = structlog.get_logger()
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                _rename,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
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
        where = [f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
        self._logger.error(event, error=type(error).__qualname__, where=where[-DEEPEST_FRAMES:])


def _rename(_logger: object, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Use Cloud Logging's field names (cloud.google.com/logging/docs/structured-logging)."""
    return {"severity": method.upper(), "message": event.pop("event"), **event}
