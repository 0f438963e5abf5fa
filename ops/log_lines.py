"""Log lines of the functions: how they are asked for, which are news, and how one looks on a terminal."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SEVERITIES = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
PAGE = 1_000
LATE = timedelta(seconds=30)
"""So long after it was written a line may still appear before others that were there already."""
_KNOWN = frozenset({"message", "severity", "timestamp", "function"})


@dataclass(frozen=True)
class LogFilter:
    """Which lines: empty means every one. `severity` is the least."""

    functions: Collection[str]
    request: str = ""
    notification: str = ""
    severity: str = ""

    def query(self, since: datetime) -> str:
        """Word it for Cloud Logging (cloud.google.com/logging/docs/view/logging-query-language)."""
        names = " OR ".join(json.dumps(name) for name in sorted(self.functions))
        parts = [
            'resource.type="cloud_run_revision"',
            f"resource.labels.service_name=({names})",
            f"timestamp>={json.dumps(since.isoformat())}",
            *([f"severity>={self.severity}"] if self.severity else []),
            *([f"jsonPayload.request_id={json.dumps(self.request)}"] if self.request else []),
            *([f"jsonPayload.notification={json.dumps(self.notification)}"] if self.notification else []),
        ]
        return " AND ".join(parts)


@dataclass
class Window:
    """What has been shown, and from when on to ask again."""

    since: datetime
    _shown: dict[str, datetime] = field(default_factory=dict)

    def take(self, entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the entries that were not there before, and move on; what is late is still waited for."""
        fresh = [entry for entry in entries if entry["insertId"] not in self._shown]
        self._shown |= {entry["insertId"]: _time(entry) for entry in fresh}
        if entries:
            newest = max(_time(entry) for entry in entries)
            # A full page may hold nothing but the last seconds: then waiting for the late ones would never get past it.
            self.since = max(self.since, newest if len(entries) >= PAGE else newest - LATE)
        self._shown = {key: at for key, at in self._shown.items() if at >= self.since}
        return fresh


def show_entry(entry: Mapping[str, Any]) -> str:
    """Put an entry on one line: time, severity, function, what happened, and its fields."""
    function = entry.get("resource", {}).get("labels", {}).get("service_name", "")
    return f"{entry['timestamp'][:23]:<23} {entry.get('severity', 'DEFAULT'):<8} {function:<9} {_content(entry)}"


def _content(entry: Mapping[str, Any]) -> str:
    payload = entry.get("jsonPayload")
    if payload:
        fields = (f"{name}={_value(value)}" for name, value in payload.items() if name not in _KNOWN)
        return " ".join([str(payload.get("message", "")), *fields]).replace("\n", "\\n")
    if request := entry.get("httpRequest"):
        # What stands behind the question mark may be a key.
        return f"{request.get('requestMethod', '')} {str(request.get('requestUrl', '')).partition('?')[0]} {request.get('status', '')}"
    return str(entry.get("textPayload", "")).strip().replace("\n", "\\n")


def _value(value: object) -> str:
    return value if isinstance(value, str) and value and " " not in value else json.dumps(value, ensure_ascii=False)


def _time(entry: Mapping[str, Any]) -> datetime:
    """Read Google's time of nine decimals as far as Python's goes."""
    whole, _, decimals = entry["timestamp"].removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{decimals[:6]:0<6}+00:00")
