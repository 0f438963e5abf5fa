"""The tick's schedules: what is due is fired, one after the other, whatever becomes of any of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from fanfare.domain.errors import FanfareError
from fanfare.domain.schedule import Schedule
from fanfare.ports import Deps
from fanfare.services.fire_schedule import fire_schedule

MOST_DUE = 1_000
TIME = timedelta(seconds=30)
"""What a tick takes for schedules at the most; the sweep needs the rest of the minute."""
NEXT_TICK = timedelta(seconds=1)
"""Behind everything that is due now: what can't be fired must not keep the others waiting at the head of the line."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What one tick did: how many schedules it found due, how many became a notification, how many it could not look after."""

    due: int = 0
    fired: int = 0
    failed: int = 0


def fire_schedules(deps: Deps, request_id: str) -> Fired:
    """Fire what is due, the longest overdue first, for at most half a minute."""
    began = deps.clock.now()
    due, fired, failed = deps.schedules.find_due(began, MOST_DUE), 0, 0
    for tenant, schedule_id in due:
        if deps.clock.now() - began > TIME:
            break
        outcome = _try_to_fire(deps, tenant, schedule_id, request_id)
        fired, failed = fired + (outcome is True), failed + (outcome is None)
    if due:
        deps.log.info("schedules_fired", due=len(due), fired=fired, failed=failed)
    return Fired(len(due), fired, failed)


def _try_to_fire(deps: Deps, tenant: str, schedule_id: str, request_id: str) -> bool | None:
    """Whether it became a notification; None where that could not be found out."""
    schedule: Schedule | None = None
    try:
        schedule = deps.schedules.get(tenant, schedule_id)
        return schedule is not None and fire_schedule(deps, schedule, request_id)
    except Exception as error:  # noqa: BLE001 - one schedule's trouble is not the others': they are due as well
        deps.log.warning("schedule_not_fired", tenant=tenant, schedule=schedule_id)
        _leave_due(deps, schedule, error)
        return None


def _leave_due(deps: Deps, schedule: Schedule | None, error: Exception) -> None:
    """Leave a schedule to the next tick, behind the others."""
    if not isinstance(error, FanfareError):
        deps.log.error("internal_error", error=error)
    with suppress(Exception):
        if schedule is not None:
            deps.schedules.put_off(schedule, deps.clock.now() + NEXT_TICK)
