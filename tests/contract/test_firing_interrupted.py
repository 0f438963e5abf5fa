"""Firing schedules over a network that loses answers, by ticks that die after their commit and ticks that overlap, on the real stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.domain.filters import NotificationFilter
from fanfare.domain.recurrence import Recurrence, Repeat
from fanfare.domain.schedule import Schedule, ScheduleStatus
from fanfare.ports import Deps
from fanfare.services.fire_schedules import fire_schedules
from tests.contract.firestore_proxy import firestore_proxy
from tests.contract.stores.racing import race
from tests.contract.stores.real import open_firestore, real_stores
from tests.contract.stores.test_schedules import CREATED, a_schedule
from tests.factories import TENANT_ID, a_tenant
from tests.fakes import FixedClock, RecordingTaskQueue, fake_deps

DUE = datetime(2026, 11, 25, 8, tzinfo=UTC)
DAY = timedelta(days=1)
NINE = datetime.fromisoformat("2026-11-25 09:00")
NAMES = ("s1", "s2", "s3")


def _deps(firestore: Firestore, tasks: RecordingTaskQueue | None = None) -> Deps:
    stores, clock = real_stores(firestore), FixedClock()
    clock.advance(DUE - clock.now())
    shared = {
        name: getattr(stores, name) for name in ("schedules", "notifications", "devices", "profiles", "chunks", "recipients", "tenants", "audit")
    }
    return replace(fake_deps(clock=clock, tasks=tasks or RecordingTaskQueue()), **shared)


def _seed(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    stores.tenants.create(a_tenant())
    for name in NAMES:
        request = {"to": {"everyone": True}, "title": "x"}
        stores.schedules.create(a_schedule(id=name, tenant=TENANT_ID, request=request, rule=Recurrence(Repeat.DAILY, NINE), next_local=NINE), CREATED)


def _check(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    made = stores.notifications.list(TENANT_ID, NotificationFilter(), 100, None).items
    assert sorted(notification.schedule_id or "" for notification in made) == list(NAMES)
    assert all(notification.next_check_at is not None for notification in made), "the sweep finds those whose nudge was lost"
    for name in NAMES:
        schedule = stores.schedules.get(TENANT_ID, name)
        assert isinstance(schedule, Schedule)
        assert (schedule.status, schedule.occurrence_count, schedule.next_run_at) == (ScheduleStatus.ACTIVE, 1, DUE + DAY)
    assert fire_schedules(_deps(firestore), "tick").due == 0


def test_occurrences_are_made_once_though_answers_are_lost(emulator: str, firestore: Firestore) -> None:
    _seed(firestore)
    with firestore_proxy(emulator) as (proxy, host):
        behind = open_firestore(host, firestore.project)
        proxy.lose_next = 2
        assert fire_schedules(_deps(behind), "tick").fired == len(NAMES)
        assert proxy.lose_next == 0
        behind.close()
    _check(firestore)


def test_ticks_that_overlap_make_each_occurrence_once(firestore: Firestore) -> None:
    _seed(firestore)
    fired = race([lambda: fire_schedules(_deps(firestore), "tick").fired] * 3)
    assert sum(fired) == len(NAMES)
    _check(firestore)


class _Dying:
    """A store whose process dies before or after its `at`-th call."""

    def __init__(self, store: Any, at: int, *, after: bool) -> None:
        self._store, self._at, self._after, self.calls = store, at, after, 0

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls < self._at:
                return getattr(self._store, name)(*given, **named)
            if self.calls == self._at and self._after:
                getattr(self._store, name)(*given, **named)
            raise SystemExit

        return call


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
def test_tick_that_dies_is_made_good_by_the_next(firestore: Firestore, at: int, after: bool) -> None:  # noqa: FBT001 - the test's parameter
    _seed(firestore)
    deps = _deps(firestore)
    dying = _Dying(deps.schedules, at, after=after)
    with pytest.raises(SystemExit):
        fire_schedules(replace(deps, schedules=dying), "tick")
    fire_schedules(deps, "tick")
    _check(firestore)
