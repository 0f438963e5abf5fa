"""Schedules in memory, beside the store whose notifications they become."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import ScheduleFilter
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.schedule import Schedule, usernames_of
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.pages import newest_of


class MemoryScheduleStore:
    """`edit` does what a hand in the console may do."""

    def __init__(self, notifications: MemoryNotificationStore | None = None, audit: MemoryAuditStore | None = None) -> None:
        self._audit = audit or MemoryAuditStore()
        self._notifications = notifications or MemoryNotificationStore(self._audit)
        self._lock = threading.RLock()
        self._revisions = itertools.count(1)
        self._schedules: dict[tuple[str, str], Schedule] = {}

    def edit(self, tenant: str, schedule_id: str, **fields: object) -> None:
        self._put(replace(self._schedules[tenant, schedule_id], **fields))  # type: ignore[arg-type]

    def get(self, tenant: str, schedule_id: str) -> Schedule | None:
        return self._schedules.get((tenant, schedule_id))

    def create(self, schedule: Schedule, audit: Trail) -> None:
        with self._lock:
            if (schedule.tenant, schedule.id) in self._schedules:
                raise Conflict("This schedule id is taken.")
            self._put(schedule)
            self._audit.record(schedule.tenant, audit(None, schedule))

    def update(self, tenant: str, schedule_id: str, decide: Callable[[Schedule], Schedule | None], audit: Trail | None = None) -> Schedule | None:
        with self._lock:
            before = self.get(tenant, schedule_id)
            after = decide(before) if before is not None else None
            if before is None or after is None:
                return before
            self._put(after)
            if audit is not None:
                self._audit.record(tenant, audit(before, after))
            return after

    def list(self, tenant: str, filters: ScheduleFilter, limit: int, after: str | None) -> Page[Schedule]:
        rows = [row for (owner, _), row in self._schedules.items() if owner == tenant and _is_wanted(filters, row)]
        return newest_of(rows, limit, after)

    def find_due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        due = [(row.next_run_at, place) for place, row in self._schedules.items() if row.next_run_at is not None and row.next_run_at <= now]
        return [place for _, place in sorted(due)[:limit]]

    def find_addressed(self, tenant: str, username: str, limit: int) -> Sequence[str]:
        return [name for (owner, name), row in self._schedules.items() if owner == tenant and username in usernames_of(row)][:limit]

    def put_off(self, schedule: Schedule, at: datetime) -> None:
        with self._lock:
            if self._is_unchanged(schedule):
                self._put(replace(schedule, next_run_at=at))

    def fire(
        self, before: Schedule, after: Schedule, notification: Notification | None, rows: Mapping[int, Sequence[Recipient]], audit: AuditEntry
    ) -> bool:
        with self._lock, self._notifications.lock:
            if not self._is_unchanged(before):
                return False
            if notification is not None and self._notifications.accept(notification, rows.get(0, ())) is not None:
                return False
            if notification is not None:
                further = {ChunkKey(notification.tenant, notification.id, number): tuple(rows[number]) for number in rows.keys() - {0}}
                assert self._notifications.create_recipients(further)
            self._put(after)
            self._audit.record(before.tenant, audit)
            return True

    def _is_unchanged(self, schedule: Schedule) -> bool:
        stored = self.get(schedule.tenant, schedule.id)
        return stored is not None and stored.revision == schedule.revision

    def _put(self, schedule: Schedule) -> None:
        request = json.loads(json.dumps(schedule.request))
        self._schedules[schedule.tenant, schedule.id] = replace(schedule, request=request, revision=next(self._revisions))


def _is_wanted(filters: ScheduleFilter, row: Schedule) -> bool:
    begins, ends = filters.created_after or row.created_at, filters.created_before or row.created_at
    return filters.status in (None, row.status) and begins <= row.created_at <= ends
