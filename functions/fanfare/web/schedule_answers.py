"""Schedules as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fanfare.domain.schedule import Schedule, instant_for
from fanfare.domain.timing import RECIPIENT
from fanfare.services.preview_schedule import ZoneFirings
from fanfare.web.instants import show_time
from fanfare.web.schema import Out

StatusName = Literal["pending", "active", "paused", "completed", "cancelled"]
RepeatName = Literal["none", "daily", "weekly", "monthly", "cron"]


class ScheduleOut(Out):
    """A schedule. Its start stands in `date` and `local_time`, and in `at` unless the time is each recipient's own.

    `status_reason` says why it is in its state, or what became of its latest occurrence if that was not sent.
    `defect` says why one that was edited by hand can't be used.
    """

    id: str
    notification: dict[str, Any]
    at: datetime | None
    date: str
    local_time: str
    timezone: str
    repeat: RepeatName
    cron: str | None
    ends_at: datetime | None
    max_occurrences: int | None
    on_missed: Literal["send", "skip"]
    grace_seconds: int
    status: StatusName
    status_reason: str | None
    next_run_at: datetime | None
    last_sent_at: datetime | None
    last_notification_id: str | None
    occurrence_count: int
    created_by: str
    created_at: datetime
    updated_at: datetime | None
    defect: str | None


class SchedulePage(Out):
    """A page of schedules."""

    items: list[ScheduleOut]
    next_cursor: str | None


class FiringOut(Out):
    """When it fires, and what the clocks of the zone show then."""

    at: datetime
    local_time: str


class ZoneOut(Out):
    """The next firings in a zone."""

    timezone: str
    firings: list[FiringOut]


class FiringsOut(Out):
    """The next firings, zone by zone."""

    zones: list[ZoneOut]


def show_schedule(schedule: Schedule) -> dict[str, Any]:
    """A schedule."""
    start = schedule.rule.start
    return {
        "id": schedule.id,
        "notification": dict(schedule.request),
        "at": show_time(instant_for(schedule, start)) if schedule.zone is not None else None,
        "date": start.date().isoformat(),
        "local_time": start.time().isoformat(),
        "timezone": schedule.zone or RECIPIENT,
        "repeat": schedule.rule.repeat.value,
        "cron": schedule.rule.cron,
        "ends_at": show_time(schedule.ends_at),
        "max_occurrences": schedule.max_occurrences,
        "on_missed": schedule.on_missed.value,
        "grace_seconds": schedule.grace_seconds,
        "status": schedule.status.value,
        "status_reason": schedule.status_reason,
        "next_run_at": show_time(schedule.next_run_at),
        "last_sent_at": show_time(schedule.last_sent_at),
        "last_notification_id": schedule.last_notification_id,
        "occurrence_count": schedule.occurrence_count,
        "created_by": schedule.created_by,
        "created_at": show_time(schedule.created_at),
        "updated_at": show_time(schedule.updated_at),
        "defect": schedule.defect,
    }


def show_firings(zones: list[ZoneFirings]) -> dict[str, Any]:
    """The next firings."""
    shown = ([{"at": show_time(at), "local_time": local.isoformat()} for at, local in zone.firings] for zone in zones)
    return {"zones": [{"timezone": zone.zone, "firings": firings} for zone, firings in zip(zones, shown, strict=True)]}
