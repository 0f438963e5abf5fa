"""Schedules and their documents: plain fields, which an operator may read and edit by hand in the console."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from google.cloud.firestore import DocumentSnapshot

from fanfare.domain.buckets import bucket_of
from fanfare.domain.schedule import Schedule, usernames_of
from fanfare.domain.schedule_reading import read_schedule
from fanfare.domain.timing import RECIPIENT

VERSION = 1


def to_document(schedule: Schedule) -> dict[str, Any]:
    """Map a schedule. The request is JSON text, as a notification's."""
    return {
        "v": VERSION,
        "bucket": bucket_of(schedule.id),
        "request": json.dumps(schedule.request, ensure_ascii=False, separators=(",", ":")),
        "usernames": list(usernames_of(schedule)),
        "date": schedule.rule.start.date().isoformat(),
        "local_time": schedule.rule.start.time().isoformat(),
        "timezone": RECIPIENT if schedule.zone is None else schedule.zone,
        "repeat": schedule.rule.repeat.value,
        "cron": schedule.rule.cron,
        "ends_at": schedule.ends_at,
        "max_occurrences": schedule.max_occurrences,
        "on_missed": schedule.on_missed.value,
        "grace_seconds": schedule.grace_seconds,
        "status": schedule.status.value,
        "status_reason": schedule.status_reason,
        "occurrence_count": schedule.occurrence_count,
        "next_local": _local(schedule.next_local),
        "next_run_at": schedule.next_run_at,
        "last_sent_at": schedule.last_sent_at,
        "last_notification_id": schedule.last_notification_id,
        "created_at": schedule.created_at,
        "created_by": schedule.created_by,
        "updated_at": schedule.updated_at,
        "defect": schedule.defect,
    }


def changed_fields(before: Schedule, after: Schedule) -> dict[str, Any]:
    """Map what a change writes: all of a schedule, but of one that can't be read only what was changed: the rest of it is not what was read."""
    fields = to_document(after)
    if after.defect is None:
        return fields
    known = to_document(before)
    return {name: value for name, value in fields.items() if value != known[name]}


def from_snapshot(tenant: str, snapshot: DocumentSnapshot[Any]) -> Schedule:
    """Map a document, whatever stands in it."""
    return read_schedule(tenant, snapshot.id, snapshot.to_dict() or {}, snapshot.update_time, revision=snapshot.update_time)


def _local(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
