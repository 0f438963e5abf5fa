"""A tick that fails at any of its calls, and ticks that overlap: each occurrence becomes one notification, none is lost."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.recurrence import Repeat
from fanfare.services.fire_schedules import fire_schedules
from tests.interleaving import crew
from tests.unit.services.scheduling import DAILY, DAY, DUE, MINUTE, World, a_scheduling_world
from tests.unit.services.test_crashes import Fault, Fragile, live_through_everything

EVERYWHERE: dict[str, Any] = {"local_time": "22:00", "date": "2026-11-25", "timezone": "recipient", "repeat": Repeat.DAILY}
BROADCAST: dict[str, Any] = {"to": {"everyone": True}, "title": "x"}
TOPIC: dict[str, Any] = {"to": {"topic": "news"}, "title": "x"}
CALLED = ("schedules", "notifications", "tasks", "devices", "profiles", "tenants", "templates", "segments", "topics", "pacing", "subscriptions")


def _failing(world: World, fault: Fault) -> World:
    return replace(world, deps=replace(world.deps, **{name: Fragile(getattr(world.deps, name), fault) for name in CALLED}))


def _two_days(fault: Fault) -> None:
    world = a_scheduling_world()
    schedules = [world.schedule(request, **DAILY) for request in (None, BROADCAST, TOPIC)] + [world.schedule(None, **EVERYWHERE)]
    failing = _failing(world, fault)
    for at in (DUE, DUE + DAY):
        for minutes in range(4):
            try:
                failing.tick(at + minutes * MINUTE)
            except Exception:  # noqa: S112, BLE001 - the process is gone, or Firestore is; the next tick comes anyway
                continue
    made = sorted((notification.schedule_id, notification.created_at.date()) for notification in world.made())
    days = [DUE.date(), (DUE + DAY).date()]
    assert made == sorted((schedule.id, day) for schedule in schedules for day in days)
    for schedule in schedules:
        after = world.stored(schedule)
        assert after.occurrence_count == 2
        assert world.actions(schedule) == ["schedule.created", "schedule.fired", "schedule.fired"]
    reached = [tuple(world.rows(notification, number)) for notification in world.made() for number in range(notification.chunk_count)]
    assert sum(map(len, reached)) == 2 * (2 + 1 + 2)


def test_each_occurrence_is_made_once_whichever_call_of_the_ticks_fails() -> None:
    assert live_through_everything(_two_days) >= 120


@pytest.mark.parametrize("seed", range(40))
def test_overlapping_ticks_make_each_occurrence_once(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - nobody must be unable to guess it
    world = a_scheduling_world()
    schedules = [world.schedule(), world.schedule(BROADCAST, **DAILY)]
    world.clock.advance(DUE - world.clock.now())
    with crew(chance) as workers:
        for _ in range(3):
            workers.hire(lambda worker: fire_schedules(replace(world.deps, schedules=worker.watched(world.deps.schedules)), "tick"))
        for _ in range(chance.randint(0, 20)):
            workers.advance(deaths=0.2)
        workers.finish()
    world.tick()
    assert sorted(notification.schedule_id or "" for notification in world.made()) == sorted(schedule.id for schedule in schedules)
    assert [world.stored(schedule).occurrence_count for schedule in schedules] == [1, 1]
