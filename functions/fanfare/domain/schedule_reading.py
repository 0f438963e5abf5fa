"""Schedules as documents that anybody may have edited: read back whole, or with the reason why they can't be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.local_reading import read_start
from fanfare.domain.recurrence import Recurrence, Repeat
from fanfare.domain.request_reading import read_request
from fanfare.domain.schedule import LONGEST_GRACE_SECONDS, MOST_OCCURRENCES, Missed, Schedule, ScheduleStatus
from fanfare.domain.setting_rules import read_timezone
from fanfare.domain.timing import RECIPIENT
from fanfare.domain.value_rules import read_number, read_text, read_word

LONGEST_DEFECT = 300
LONGEST_CRON = 100


def read_schedule(tenant: str, schedule_id: str, stored: Mapping[str, Any], written_at: datetime, *, revision: object = None) -> Schedule:
    """Read a document: total. One that can't be used has a `defect` and nothing to send; `written_at` stands for times that can't be read."""
    statuses = {status.value: status for status in ScheduleStatus}
    created_at = _time(stored.get("created_at")) or written_at
    created_by, status = stored.get("created_by"), stored.get("status")
    broken = Schedule(
        id=schedule_id,
        tenant=tenant,
        request={},
        rule=Recurrence(Repeat.NONE, created_at.astimezone(UTC).replace(tzinfo=None)),
        zone=None,
        created_at=created_at,
        status=statuses.get(status, ScheduleStatus.PAUSED) if isinstance(status, str) else ScheduleStatus.PAUSED,
        created_by=created_by if isinstance(created_by, str) else "",
        next_run_at=_time(stored.get("next_run_at")),
        revision=revision,
    )
    try:
        return _read(broken, stored)
    except InvalidRequest as error:
        # The reason names fields and rules and none of their values.
        return replace(broken, defect=error.detail[:LONGEST_DEFECT])


def _read(broken: Schedule, stored: Mapping[str, Any]) -> Schedule:
    zone, most, reason = stored.get("timezone"), stored.get("max_occurrences"), stored.get("status_reason")
    return replace(
        broken,
        request=_read_request(stored.get("request")),
        rule=_read_rule(stored),
        zone=None if zone == RECIPIENT else read_timezone(zone),
        status=ScheduleStatus(read_word(stored.get("status"), "status", ScheduleStatus)),
        status_reason=None if reason is None else read_text(reason, "status_reason", LONGEST_DEFECT),
        on_missed=Missed(read_word(stored.get("on_missed"), "on_missed", Missed)),
        grace_seconds=read_number(stored.get("grace_seconds"), "grace_seconds", 0, LONGEST_GRACE_SECONDS),
        ends_at=_read_instant(stored, "ends_at"),
        max_occurrences=None if most is None else read_number(most, "max_occurrences", 1, MOST_OCCURRENCES),
        occurrence_count=read_number(stored.get("occurrence_count"), "occurrence_count", 0, MOST_OCCURRENCES),
        next_local=_read_local(stored.get("next_local")),
        next_run_at=_read_instant(stored, "next_run_at"),
        last_sent_at=_read_instant(stored, "last_sent_at"),
        last_notification_id=_text(stored.get("last_notification_id")),
        updated_at=_time(stored.get("updated_at")),
    )


def _read_request(text: object) -> Mapping[str, Any]:
    """What is sent; whatever it may hold, what can be read of it once can be read again."""
    try:
        raw = json.loads(text if isinstance(text, str) else "")
        read_request(raw, "")
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise InvalidRequest.at("request", "is no request to send, as JSON") from error
    except InvalidRequest as error:
        raise InvalidRequest.of(replace(found, field=f"request.{found.field}") for found in error.errors) from error
    if not (isinstance(raw, dict) and isinstance(raw["to"], dict)) or raw["to"].get("targets") is not None:
        raise InvalidRequest.at("request", "is no request to send, as JSON, to anything but bare targets")
    return raw


def _read_rule(stored: Mapping[str, Any]) -> Recurrence:
    repeat = Repeat(read_word(stored.get("repeat"), "repeat", Repeat))
    start = read_start(stored.get("date"), stored.get("local_time"))
    return Recurrence(repeat, start, read_text(stored.get("cron"), "cron", LONGEST_CRON) if repeat is Repeat.CRON else None)


def _read_local(text: object) -> datetime | None:
    if text is None:
        return None
    day, _, time_of_day = str(text).partition("T")
    try:
        return read_start(day, time_of_day)
    except InvalidRequest as error:
        raise InvalidRequest.at("next_local", "must be a local time such as 2026-12-24T09:00:00") from error


def _read_instant(stored: Mapping[str, Any], field: str) -> datetime | None:
    value = stored.get(field)
    if value is not None and _time(value) is None:
        raise InvalidRequest.at(field, "must be a time")
    return _time(value)


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
