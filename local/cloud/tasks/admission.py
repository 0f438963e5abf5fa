"""Checks a task before it enters a queue."""

from __future__ import annotations

import re
import secrets

from local.cloud.errors import invalid_argument
from local.cloud.outbound import parse_http_target
from local.cloud.tasks.backoff import parse_retry_policy
from local.cloud.tasks.task import Task
from local.cloud.wire import Document, parse_duration, parse_timestamp, section

_MAX_BYTES = 1024 * 1024
_MAX_AHEAD_SECONDS = 30 * 24 * 3600
_DEFAULT_DEADLINE = "600s"
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")


def parse_task(document: Document, queue_name: str, sequence: int, now: float) -> Task:
    """Read a task for the queue; 400 for a wrong name, time, deadline, size or request."""
    target = parse_http_target(section(document, "httpRequest"), "url")
    if target.size_bytes > _MAX_BYTES:
        raise invalid_argument("Task size too large")
    return Task(
        name=_parse_name(document, queue_name),
        is_named=bool(document.get("name")),
        sequence=sequence,
        target=target,
        create_time=now,
        schedule_time=_parse_schedule_time(document, now),
        deadline_seconds=_parse_deadline(document),
        retry=parse_retry_policy(section(document, "retryConfig")) if document.get("retryConfig") else None,
    )


def _parse_name(document: Document, queue_name: str) -> str:
    name = document.get("name")
    if not name:
        return f"{queue_name}/tasks/{10**18 + secrets.randbelow(9 * 10**18)}"
    prefix = f"{queue_name}/tasks/"
    if not isinstance(name, str) or not name.startswith(prefix) or not _TASK_ID.fullmatch(name.removeprefix(prefix)):
        raise invalid_argument(f"Task.name must have the format '{prefix}TASK_ID'")
    return name


def _parse_schedule_time(document: Document, now: float) -> float:
    if "scheduleTime" not in document:
        return now
    due = parse_timestamp(document["scheduleTime"], "scheduleTime")
    if due > now + _MAX_AHEAD_SECONDS:
        raise invalid_argument("Task.scheduleTime is more than 30 days in the future")
    return max(due, now)


def _parse_deadline(document: Document) -> float:
    deadline = parse_duration(document.get("dispatchDeadline", _DEFAULT_DEADLINE), "dispatchDeadline")
    if not 15 <= deadline <= 1800:
        raise invalid_argument("Task.dispatchDeadline must be between [15s, 30m]")
    return deadline
