"""A tenant with people and a schedule, and the minutes in which ticks come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.filters import AuditFilter, NotificationFilter
from fanfare.domain.notification import Notification
from fanfare.domain.recurrence import Repeat
from fanfare.domain.request_reading import read_request
from fanfare.domain.schedule import Schedule
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.timing import Timing
from fanfare.ports import Deps
from fanfare.services.draft_schedule import Draft
from fanfare.services.fire_schedules import Fired, fire_schedules
from fanfare.services.schedules import create_schedule
from tests.factories import NOW, TENANT_ID, a_call, a_tenant
from tests.fakes import (
    FixedClock,
    MemoryAuditStore,
    MemoryNotificationStore,
    MemoryScheduleStore,
    RecordingLog,
    RecordingTaskQueue,
    fake_deps,
)
from tests.unit.services.seeding import add_devices, add_profile, device_of

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DUE = datetime(2026, 11, 25, 8, tzinfo=UTC)
BERLIN = "Europe/Berlin"
TO_ALICE: dict[str, Any] = {"to": {"usernames": ["alice"]}, "title": "Good morning"}
DAILY: dict[str, Any] = {"local_time": "09:00", "date": "2026-11-25", "timezone": BERLIN, "repeat": Repeat.DAILY}


@dataclass(frozen=True)
class World:
    """A database, a queue and a clock; alice has two phones, one of them in Tokyo."""

    deps: Deps
    clock: FixedClock
    tasks: RecordingTaskQueue
    schedules: MemoryScheduleStore
    log: RecordingLog

    def tick(self, at: datetime | None = None) -> Fired:
        """Let a tick come, at an instant or now."""
        if at is not None:
            self.clock.advance(at - self.clock.now())
        return fire_schedules(self.deps, "tick")

    def made(self) -> list[Notification]:
        """The notifications that there are, oldest first."""
        found = self.deps.notifications.list(TENANT_ID, NotificationFilter(), 200, None).items
        return sorted(found, key=lambda notification: notification.created_at)

    def rows(self, notification: Notification, number: int = 0) -> list[str]:
        return [row.device_id for row in self.deps.chunks.read_recipients(ChunkKey(TENANT_ID, notification.id, number))]

    def stored(self, schedule: Schedule) -> Schedule:
        found = self.deps.schedules.get(TENANT_ID, schedule.id)
        assert found is not None
        return found

    def actions(self, schedule: Schedule) -> list[str]:
        found = self.deps.audit.list(TENANT_ID, AuditFilter(resource_id=schedule.id), 100, None).items
        return [row.entry.action for row in reversed(found)]

    def schedule(self, request: dict[str, Any] | None = None, **timing: Any) -> Schedule:
        return create_schedule(self.deps, a_call(), draft(request or TO_ALICE, **timing))


def draft(request: dict[str, Any], path: str = "notification.", **timing: Any) -> Draft:
    return Draft(read_request(request, ""), Timing(**(timing or DAILY)), path)


def a_scheduling_world(zones: Sequence[str | None] = (BERLIN, "Asia/Tokyo"), timezone: str = "UTC") -> World:
    clock, tasks, audit, log = FixedClock(NOW), RecordingTaskQueue(), MemoryAuditStore(), RecordingLog()
    notifications = MemoryNotificationStore(audit)
    schedules = MemoryScheduleStore(notifications, audit)
    deps = fake_deps(clock=clock, tasks=tasks, audit=audit, notifications=notifications, schedules=schedules, log=log)
    deps.tenants.create(replace(a_tenant(), settings=TenantSettings(timezone=timezone)))
    alice = add_profile(deps, "alice", username="alice")
    add_devices(deps, *(device_of(alice, id=f"phone-{number}", timezone=zone) for number, zone in enumerate(zones)))
    return World(deps, clock, tasks, schedules, log)
