"""Schedules: make, change, stop and find them. What fires them is `fire_schedules`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from fanfare.domain.audit import trail
from fanfare.domain.call import Call
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound
from fanfare.domain.schedule import Schedule, ScheduleStatus, cancelled, check_going_on, paused, resumed
from fanfare.ports import Deps
from fanfare.services.draft_schedule import Draft, check_to_come, made_of, with_next


def create_schedule(deps: Deps, call: Call, draft: Draft) -> Schedule:
    """Keep a schedule. InvalidRequest names what is wrong with the request or with its times; the request's own conflicts."""
    now = deps.clock.now()
    made = made_of(deps, call, draft, now)
    if draft.timing.at is not None or draft.timing.date is not None:
        check_to_come(made, draft.timing, now)
    schedule = with_next(deps, made, draft.timing, now)
    deps.schedules.create(schedule, trail("schedule.created", call.actor, now))
    return schedule


def change_schedule(deps: Deps, call: Call, schedule_id: str, draft: Draft) -> Schedule:
    """Send something else, or at other times, from now on; one that is paused stays so. NotFound, Conflict if it is over, and as for a new one.

    The start of what repeats may be past: it goes on with its next time.
    """
    now = deps.clock.now()
    made = made_of(deps, call, draft, now)

    def decide(before: Schedule) -> Schedule | None:
        check_going_on(before)
        _check_count(made, before.occurrence_count)
        kept = replace(
            made,
            id=before.id,
            created_at=before.created_at,
            created_by=before.created_by or made.created_by,
            occurrence_count=before.occurrence_count,
            last_sent_at=before.last_sent_at,
            last_notification_id=before.last_notification_id,
        )
        after = with_next(deps, kept, draft.timing, now)
        return (paused(after) or after) if before.status is ScheduleStatus.PAUSED else after

    return _update(deps, call, schedule_id, decide, "schedule.updated")


def pause_schedule(deps: Deps, call: Call, schedule_id: str) -> Schedule:
    """Let it fire for nobody until it is resumed. NotFound; Conflict if it is over."""
    return _update(deps, call, schedule_id, lambda before: paused(usable(before)), "schedule.paused")


def resume_schedule(deps: Deps, call: Call, schedule_id: str) -> Schedule:
    """Let it go on with what comes due from now on. NotFound; Conflict if it is over."""
    now = deps.clock.now()
    return _update(deps, call, schedule_id, lambda before: resumed(usable(before), now, deps.cron.next_time), "schedule.resumed")


def cancel_schedule(deps: Deps, call: Call, schedule_id: str) -> Schedule:
    """End it. NotFound; Conflict if it has ended by itself."""
    return _update(deps, call, schedule_id, cancelled, "schedule.cancelled")


def get_schedule(deps: Deps, tenant: str, schedule_id: str) -> Schedule:
    """Find a schedule; NotFound."""
    found = deps.schedules.get(tenant, schedule_id)
    if found is None:
        raise NotFound.of("schedule")
    return found


def usable(schedule: Schedule) -> Schedule:
    """The schedule itself; Conflict if a hand has broken it."""
    if schedule.defect is not None:
        raise Conflict(f"This schedule can't be used: {schedule.defect}")
    return schedule


def _check_count(schedule: Schedule, count: int) -> None:
    if schedule.max_occurrences is not None and schedule.max_occurrences <= count:
        raise InvalidRequest.at("max_occurrences", f"must be more than {count}, as often as it has fired already")


def _update(deps: Deps, call: Call, schedule_id: str, decide: Callable[[Schedule], Schedule | None], action: str) -> Schedule:
    now = deps.clock.now()
    stored = deps.schedules.update(call.tenant, schedule_id, partial(_changed, decide=decide, now=now), trail(action, call.actor, now))
    if stored is None:
        raise NotFound.of("schedule")
    return stored


def _changed(before: Schedule, *, decide: Callable[[Schedule], Schedule | None], now: datetime) -> Schedule | None:
    after = decide(before)
    return replace(after, updated_at=now) if after is not None else None
