"""The month itself: the ticks of Cloud Scheduler, minute by minute where something happens, and every task when it is due."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from fanfare.ports import Deps
from fanfare.services.begin_cleanup import begin_cleanup
from fanfare.services.fire_schedules import fire_schedules
from fanfare.services.ping_devices import ping_due_devices
from fanfare.services.rollup import roll_up
from fanfare.services.sweep import sweep
from tests.month.oracle import DAYS
from tests.month.world import BEGIN, World

MINUTE = timedelta(minutes=1)
ROLLUP = timedelta(minutes=5)
CLEANUP_AT = timedelta(hours=3, minutes=17)
REST = timedelta(hours=2)
"""What began in the month may end after it."""


def run_month(world: World) -> float:
    """Let the month pass; returns how many seconds that took."""
    began, seen = time.perf_counter(), 0
    end = BEGIN + timedelta(days=DAYS)
    while (at := _next_minute(world, end)) < end + REST:
        world.cloud.run_until(at)
        _tick(world, at, rests=at >= end)
        world.cloud.run_until(at)
        world.answer_pings(world.ledger.posts[seen:])
        seen = len(world.ledger.posts)
    world.cloud.crashed = world.cloud.doubled = 0
    world.cloud.tick("rollup", lambda deps: roll_up(deps, "rollup"))
    world.cloud.run_until(end + REST)
    return time.perf_counter() - began


def _tick(world: World, at: datetime, *, rests: bool) -> None:
    """The ticks of a minute: none but the sweep once the month is over."""
    cloud, day = world.cloud, (at - BEGIN).days
    if rests:
        cloud.tick("sweep", lambda deps: sweep(deps, "schedule"))
        return
    cloud.tick("schedule", _schedule)
    cloud.tick("keepalive", lambda deps: ping_due_devices(deps, "keepalive"))
    happened = world.happened()
    if (at - BEGIN) % ROLLUP == timedelta() and cloud.tick("rollup", lambda deps: roll_up(deps, "rollup")):
        world.rolled_up = happened
    if (at - BEGIN) % timedelta(days=1) == CLEANUP_AT:
        world.remove_apps(day)
        cloud.tick("cleanup", lambda deps: begin_cleanup(deps, "cleanup"))


def _schedule(deps: Deps) -> None:
    fire_schedules(deps, "schedule")
    sweep(deps, "schedule")


def _next_minute(world: World, end: datetime) -> datetime:
    """The next minute in which there is anything to do, the cleanup's at the latest."""
    following = world.clock.now() + timedelta(microseconds=1)
    wanted = min(_wants(world, following), default=end)
    cleanup = _rounded_up(following - CLEANUP_AT, timedelta(days=1)) + CLEANUP_AT
    return _rounded_up(max(following, min(wanted, cleanup)), MINUTE)


def _wants(world: World, following: datetime) -> Iterator[datetime]:
    """When anything is due, as it stands in the stores themselves."""
    stores: Any = world.deps
    if (at := world.cloud.next_at()) is not None:
        yield at
    yield from (at for at in (stores.devices.pings.next_at(), stores.notifications.checks.next_at()) if at is not None)
    yield from (schedule.next_run_at for schedule in stores.schedules._schedules.values() if schedule.next_run_at)
    if world.happened() > world.rolled_up:
        yield _rounded_up(following, ROLLUP)


def _rounded_up(at: datetime, step: timedelta) -> datetime:
    since = at - datetime(2000, 1, 1, tzinfo=UTC)
    return at + (-since) % step
