"""Where schedules are kept, and what tells when a cron expression fires, as Protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fanfare.domain.audit import AuditEntry, Trail
from fanfare.domain.filters import ScheduleFilter
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.schedule import Schedule


class ScheduleStore(Protocol):
    """Schedules. One that was edited by hand and can't be read comes with a `defect`, which is stored with it where it is read by its id."""

    def get(self, tenant: str, schedule_id: str) -> Schedule | None:
        """Find a schedule as it is stored now."""
        ...

    def create(self, schedule: Schedule, audit: Trail) -> None:
        """Store a new schedule; Conflict if its id is taken."""
        ...

    def update(self, tenant: str, schedule_id: str, decide: Callable[[Schedule], Schedule | None], audit: Trail | None = None) -> Schedule | None:
        """Apply a pure decision to a stored schedule (None leaves it), audited, in one commit; returns its state, None if unknown."""
        ...

    def list(self, tenant: str, filters: ScheduleFilter, limit: int, after: str | None) -> Page[Schedule]:
        """List schedules, the newest first."""
        ...

    def find_due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Find, in all tenants, schedules whose next run has come by `now`: (tenant, schedule id), the longest overdue first."""
        ...

    def find_addressed(self, tenant: str, username: str, limit: int) -> Sequence[str]:
        """Find at most `limit` schedules whose request is addressed to a username, by their ids."""
        ...

    def put_off(self, schedule: Schedule, at: datetime) -> None:
        """Have `find_due` find a due schedule again from `at` on, and change nothing else of it; not if somebody has since it was read."""
        ...

    def fire(
        self, before: Schedule, after: Schedule, notification: Notification | None, rows: Mapping[int, Sequence[Recipient]], audit: AuditEntry
    ) -> bool:
        """Store a schedule's next state and the notification that its occurrence becomes, with its rows by chunk, in one commit.

        False: the schedule has changed since it was read, or there is a notification of this id already; nothing was stored.
        """
        ...


class CronTable(Protocol):
    """Cron expressions of five fields."""

    def check(self, expression: str, field: str) -> None:
        """InvalidRequest at `field` unless it is an expression that fires some day."""
        ...

    def next_time(self, expression: str, after: datetime) -> datetime | None:
        """The next local time (naive) strictly after another; None if there is none within the next fifty years."""
        ...
