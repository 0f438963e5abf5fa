"""A schedule: what to send, when, and how often it has been sent.

| status | means |
|---|---|
| pending | it has not fired and fires once |
| active | it recurs |
| paused | it fires for nobody until it is resumed; what comes due meanwhile is missed |
| completed | it fired for the last time, or its end is over |
| cancelled | somebody ended it |

An *occurrence* is one local time of its rule. In a fixed zone it is one instant; in its recipients' zones (`zone` None) it comes to the east first,
and the notification that it becomes is sent zone by zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from fanfare.domain.errors import Conflict
from fanfare.domain.recurrence import CronTimes, Recurrence, Repeat, first_anywhere, instant_of, last_anywhere, local_times

ON_TIME = timedelta(minutes=3)
"""The tick comes every minute and may be repeated: what is due so long ago at the most is not late."""
DEFAULT_GRACE_SECONDS = 3_600
LONGEST_GRACE_SECONDS = 86_400
MOST_OCCURRENCES = 100_000_000
MOST_MISSED = 10_000
"""So many occurrences are looked at, at the most, to find the latest that has come due; a cron of every minute misses as many in a week."""


class ScheduleStatus(StrEnum):
    """The life of a schedule; the last two are final."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


FINAL = frozenset({ScheduleStatus.COMPLETED, ScheduleStatus.CANCELLED})


class Missed(StrEnum):
    """What becomes of an occurrence that came due while nothing ran: it is sent late, within the grace, or skipped."""

    SEND = "send"
    SKIP = "skip"


class ScheduleReason(StrEnum):
    """Why a schedule is in its state, or what became of its latest occurrence, where that was not sent; beside them the codes of refusals."""

    MISSED = "missed"
    ENDED = "ended"
    BY_CALLER = "by_caller"
    ALL_SENT = "all_sent"
    BROKEN_CRON = "broken_cron"
    NO_RECIPIENTS = "no_recipients"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What to send, without targets, as a request to send says it, and when.

    `rule` is on the wall clock of `zone` (the name of a zone of the IANA database), or of each recipient where that is None. `next_local` is the
    occurrence that comes next, `next_run_at` its instant, or the first anywhere. `occurrence_count` counts those that became a notification.
    """

    id: str
    tenant: str
    request: Mapping[str, Any]
    rule: Recurrence
    zone: str | None
    created_at: datetime
    status: ScheduleStatus
    status_reason: str | None = None
    on_missed: Missed = Missed.SEND
    grace_seconds: int = DEFAULT_GRACE_SECONDS
    ends_at: datetime | None = None
    max_occurrences: int | None = None
    occurrence_count: int = 0
    next_local: datetime | None = None
    next_run_at: datetime | None = None
    last_sent_at: datetime | None = None
    last_notification_id: str | None = None
    updated_at: datetime | None = None
    created_by: str = ""
    defect: str | None = None
    revision: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Firing:
    """What a tick does about a schedule: its next state, and the occurrence that becomes a notification, if one does."""

    schedule: Schedule
    occurrence: datetime | None = None


def occurrences(schedule: Schedule, after: datetime | None, cron_times: CronTimes) -> Iterator[datetime]:
    """The local times that are left, strictly after one, within the schedule's end (not counting how often it may fire)."""
    times = local_times(schedule.rule, after, cron_times)
    ends_at = schedule.ends_at
    return times if ends_at is None else takewhile(lambda local: instant_for(schedule, local) <= ends_at, times)


def instant_for(schedule: Schedule, local: datetime) -> datetime:
    """When an occurrence comes due: in the schedule's zone, or first anywhere."""
    return first_anywhere(local) if schedule.zone is None else instant_of(local, ZoneInfo(schedule.zone))


def _over_at(schedule: Schedule, local: datetime) -> datetime:
    """When an occurrence has come to everybody: in recipients' zones it is not missed while it is still to come to some."""
    return last_anywhere(local) if schedule.zone is None else instant_for(schedule, local)


def instant_in(schedule: Schedule, local: datetime, zone: tzinfo) -> datetime:
    """When an occurrence comes to somebody in a zone."""
    return instant_of(local, zone) if schedule.zone is None else instant_for(schedule, local)


def planned(schedule: Schedule, now: datetime, cron_times: CronTimes) -> Schedule:
    """Give a schedule its next occurrence strictly after `now`; it is completed where there is none."""
    following = next(_upcoming(schedule, now, cron_times), None)
    used_up = schedule.max_occurrences is not None and schedule.occurrence_count >= schedule.max_occurrences
    if following is None or used_up:
        reason = ScheduleReason.ALL_SENT if used_up or schedule.ends_at is None else ScheduleReason.ENDED
        return replace(schedule, status=ScheduleStatus.COMPLETED, status_reason=schedule.status_reason or reason, next_local=None, next_run_at=None)
    return replace(schedule, next_local=following, next_run_at=instant_for(schedule, following))


def plan_firing(schedule: Schedule, now: datetime, cron_times: CronTimes) -> Firing | None:
    """Decide what a tick at `now` does; None if nothing is due.

    Of several occurrences that came due meanwhile the latest counts: a person is not told five times what five missed days would have said.
    """
    if (
        schedule.status not in {ScheduleStatus.PENDING, ScheduleStatus.ACTIVE}
        or schedule.next_local is None
        or instant_for(schedule, schedule.next_local) > now
    ):
        return None
    due = _latest_due(schedule, schedule.next_local, now, cron_times)
    if now - _over_at(schedule, due) <= grace_of(schedule):
        fired = replace(schedule, occurrence_count=schedule.occurrence_count + 1, last_sent_at=now, status_reason=None)
        return Firing(planned(fired, now, cron_times), due)
    return Firing(planned(replace(schedule, status_reason=ScheduleReason.MISSED), now, cron_times))


def grace_of(schedule: Schedule) -> timedelta:
    """How late an occurrence is still sent."""
    return max(ON_TIME, timedelta(seconds=schedule.grace_seconds)) if schedule.on_missed is Missed.SEND else ON_TIME


def plan_failure(schedule: Schedule, now: datetime, code: str, cron_times: CronTimes) -> Firing:
    """What a tick does instead where the occurrence can't become a notification: it is over and does not count; `code` says why."""
    return Firing(planned(replace(schedule, status_reason=code), now, cron_times))


def paused(schedule: Schedule) -> Schedule | None:
    """Let it fire for nobody; None if it is paused already. Conflict if it is over."""
    check_going_on(schedule)
    if schedule.status is ScheduleStatus.PAUSED:
        return None
    return replace(schedule, status=ScheduleStatus.PAUSED, status_reason=ScheduleReason.BY_CALLER, next_run_at=None)


def resumed(schedule: Schedule, now: datetime, cron_times: CronTimes) -> Schedule | None:
    """Let it go on with what comes due from now on; None if it does already. Conflict if it is over."""
    check_going_on(schedule)
    if schedule.status is not ScheduleStatus.PAUSED and schedule.next_run_at is not None:
        return None
    return planned(replace(schedule, status=going_status(schedule.rule), status_reason=None), now, cron_times)


def cancelled(schedule: Schedule) -> Schedule | None:
    """End it; None if it is cancelled already. Conflict if it is completed."""
    if schedule.status is ScheduleStatus.CANCELLED:
        return None
    check_going_on(schedule)
    return replace(schedule, status=ScheduleStatus.CANCELLED, status_reason=ScheduleReason.BY_CALLER, next_local=None, next_run_at=None)


def usernames_of(schedule: Schedule) -> tuple[str, ...]:
    """Whom its request is addressed to by username."""
    return tuple((schedule.request.get("to") or {}).get("usernames") or ())


def without_name(schedule: Schedule, username: str) -> Schedule:
    """The schedule when a person is erased: it is not addressed to them any more, and cancelled if it was to nobody else, or can't be read."""
    left = [name for name in usernames_of(schedule) if name != username]
    forgotten = replace(schedule, request={**schedule.request, "to": {"usernames": left}}, defect=None)
    if left or schedule.status in FINAL:
        return forgotten
    reason = ScheduleReason.NO_RECIPIENTS
    return replace(forgotten, status=ScheduleStatus.CANCELLED, status_reason=reason, next_local=None, next_run_at=None)


def going_status(rule: Recurrence) -> ScheduleStatus:
    """The status of a schedule that waits for its next occurrence."""
    return ScheduleStatus.PENDING if rule.repeat is Repeat.NONE else ScheduleStatus.ACTIVE


def preview(schedule: Schedule, now: datetime, count: int, cron_times: CronTimes) -> list[datetime]:
    """The next local times at which it would fire, at most `count` and no more than it still may; none if it is over."""
    if schedule.status in FINAL:
        return []
    left = count if schedule.max_occurrences is None else min(count, schedule.max_occurrences - schedule.occurrence_count)
    return list(islice(_upcoming(schedule, now, cron_times), max(0, left)))


def _upcoming(schedule: Schedule, now: datetime, cron_times: CronTimes) -> Iterator[datetime]:
    """The local times that come after `now`; of those that become one instant, because clocks skip them, the first."""
    last = now
    for local in occurrences(schedule, _little_before(schedule, now), cron_times):
        instant = instant_for(schedule, local)
        if instant > last:
            yield local
            last = instant


def check_going_on(schedule: Schedule) -> None:
    """Conflict if a schedule is over."""
    if schedule.status in FINAL:
        raise Conflict(f"This schedule is {schedule.status} already.")


def _latest_due(schedule: Schedule, first: datetime, now: datetime, cron_times: CronTimes) -> datetime:
    latest = first
    for local in islice(occurrences(schedule, first, cron_times), MOST_MISSED):
        if instant_for(schedule, local) > now:
            break
        latest = local
    return latest


def _little_before(schedule: Schedule, now: datetime) -> datetime | None:
    """A local time before which nothing can come due after `now`, whatever the zone; None before the schedule's start."""
    local = now.astimezone(UTC).replace(tzinfo=None) - timedelta(days=2)
    return local if local > schedule.rule.start else None
