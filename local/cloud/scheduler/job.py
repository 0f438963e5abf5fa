"""A scheduled job: its settings, read from Google's document, and its last run."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local.cloud.answers import Answer
from local.cloud.errors import invalid_argument
from local.cloud.outbound import HttpTarget, parse_http_target
from local.cloud.scheduler.cron import Cron, parse_cron
from local.cloud.tasks.backoff import RetryPolicy
from local.cloud.wire import Document, format_duration, format_timestamp, parse_duration, parse_integer, section

_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_SETTABLE = ("description", "schedule", "timeZone", "httpTarget", "attemptDeadline", "retryConfig")


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What a person sets on a job; ``document`` is the same as it was given."""

    document: Document
    target: HttpTarget
    cron: Cron
    deadline_seconds: float
    retry_count: int
    backoff: RetryPolicy


@dataclass(slots=True)
class Job:
    """A job; times in epoch seconds."""

    name: str
    settings: JobSettings
    is_paused: bool = False
    update_time: float = 0.0
    schedule_time: float | None = None
    last_attempt_time: float | None = None
    last_answer: Answer | None = None

    def configure(self, settings: JobSettings) -> None:
        """Take new settings."""
        self.settings = settings
        self.update_time = time.time()

    def to_document(self) -> Document:
        """Return it as Google's ``Job``."""
        document = {
            **self.settings.document,
            "name": self.name,
            "httpTarget": self.settings.target.to_document("uri", with_body=True),
            "attemptDeadline": format_duration(self.settings.deadline_seconds),
            "state": "PAUSED" if self.is_paused else "ENABLED",
            "userUpdateTime": format_timestamp(self.update_time),
        }
        if self.schedule_time is not None:
            document["scheduleTime"] = format_timestamp(self.schedule_time)
        if self.last_attempt_time is not None:
            document["lastAttemptTime"] = format_timestamp(self.last_attempt_time)
        if self.last_answer is not None:
            document["status"] = self.last_answer.to_rpc_status()
        return document


def check_job_name(document: Document, parent: str) -> str:
    """Return the job's resource name; 400 unless it lies in the location."""
    name, prefix = document.get("name"), f"{parent}/jobs/"
    if not isinstance(name, str) or not name.startswith(prefix) or not _JOB_ID.fullmatch(name.removeprefix(prefix)):
        raise invalid_argument(f"Job.name must have the format '{prefix}JOB_ID'")
    return name


def parse_job_settings(document: Document) -> JobSettings:
    """Read a job's document; 400 for what Google or this stand-in cannot do."""
    kept = {key: document[key] for key in _SETTABLE if key in document}
    kept["timeZone"] = document.get("timeZone") or "Etc/UTC"
    deadline = parse_duration(document.get("attemptDeadline", "180s"), "attemptDeadline")
    if not 15 <= deadline <= 1800:
        raise invalid_argument("Job.attemptDeadline must be between [15s, 30m]")
    retry = section(document, "retryConfig")
    return JobSettings(
        document=kept,
        target=parse_http_target(section(document, "httpTarget"), "uri"),
        cron=parse_cron(document.get("schedule"), _parse_zone(kept["timeZone"])),
        deadline_seconds=deadline,
        retry_count=parse_integer(retry.get("retryCount", 0), "retryConfig.retryCount", 0, 5),
        backoff=_parse_backoff(retry),
    )


def _parse_backoff(retry: Document) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=-1,
        max_retry_seconds=parse_duration(retry.get("maxRetryDuration", "0s"), "retryConfig.maxRetryDuration"),
        min_backoff_seconds=parse_duration(retry.get("minBackoffDuration", "5s"), "retryConfig.minBackoffDuration"),
        max_backoff_seconds=parse_duration(retry.get("maxBackoffDuration", "3600s"), "retryConfig.maxBackoffDuration"),
        max_doublings=parse_integer(retry.get("maxDoublings", 5), "retryConfig.maxDoublings", 0, 100),
    )


def _parse_zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) and name.lower() != "utc" else "Etc/UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid_argument(f"Job.timeZone {name!r} is unknown") from error
