"""The log, recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line of the log, with the exception where it told of one."""

    level: str
    event: str
    fields: Mapping[str, object] = field(default_factory=dict)
    exception: BaseException | None = None


class RecordingLog:
    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    def info(self, event: str, **fields: object) -> None:
        self.records.append(LogRecord("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.records.append(LogRecord("warning", event, fields))

    def error(self, event: str, error: BaseException) -> None:
        self.records.append(LogRecord("error", event, exception=error))
