from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.breaker import ALL
from fanfare.domain.errors import Unavailable
from fanfare.domain.keepalive import Keepalive, KeepaliveState
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.pings import FleetCounts
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.template import Template
from fanfare.domain.tenant import Tenant
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.ports import Deps
from fanfare.services.hold_tenant import open_tenant_breaker
from fanfare.services.keepalive_health import fleet_health
from fanfare.services.ping_devices import OWN_TIME, ping_due_devices, ping_tenant
from fanfare.services.ping_page import Pinged
from fanfare.services.sweep import sweep
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_tenant
from tests.fakes import FixedClock, RecordingLog, RecordingTaskQueue, fake_deps
from tests.ping_world import PINGING, PingWorld
from tests.unit.services.test_crashes import Crash, Fault, Fragile, live_through_everything

DUE = Keepalive(KeepaliveState.PLANNED, next=NOW)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    deps: Deps
    clock: FixedClock
    tasks: RecordingTaskQueue
    log: RecordingLog

    def add(self, count: int, keepalive: Keepalive = DUE, *, tenant: str = TENANT_ID, **fields: Any) -> None:
        plans = [RegistrationPlan(a_device(id=f"d{number}", owners=(), keepalive=keepalive, **fields)) for number in range(count)]
        assert self.deps.devices.save(tenant, plans)

    def keepalives(self, tenant: str = TENANT_ID) -> list[Keepalive]:
        return [device.keepalive for device in self.deps.devices.list_stored(tenant, 9_999, None).items]

    def run_tasks(self) -> int:
        """Do what the tasks that wait ask for, and what these ask for; returns how many there were."""
        done = 0
        while self.tasks.fanouts:
            task = self.tasks.fanouts.pop(0)
            assert task.work == "keepalive"
            ping_tenant(self.deps, task.tenant, task.request_id)
            done += 1
        return done


def a_scene(*others: Tenant, settings: TenantSettings = PINGING) -> Scene:
    clock, tasks, log = FixedClock(NOW), RecordingTaskQueue(), RecordingLog()
    deps = fake_deps(clock=clock, tasks=tasks, log=log)
    for tenant in (replace(a_tenant(), settings=settings), *others):
        deps.tenants.create(tenant)
    return Scene(deps, clock, tasks, log)


def test_due_devices_are_pinged_by_one_notification_behind_what_is_direct() -> None:
    scene = a_scene()
    scene.add(3)
    assert ping_due_devices(scene.deps, "tick") == Pinged(1, 3, 3)
    (task,) = scene.tasks.sends
    assert task.due_at == NOW
    stored = scene.deps.notifications.get(TENANT_ID, task.key.notification_id)
    assert stored is not None
    assert (stored.request_id, stored.counts.targeted) == ("tick", 3)
    assert {keepalive.last for keepalive in scene.keepalives()} == {NOW}
    assert ping_due_devices(scene.deps, "tick") == Pinged(1, 0, 0)


def test_new_devices_get_a_time_and_no_ping() -> None:
    scene = a_scene()
    scene.add(2, Keepalive())
    assert ping_due_devices(scene.deps, "tick") == Pinged(1, 0, 2)
    assert (scene.tasks.sends, {keepalive.state for keepalive in scene.keepalives()}) == ([], {KeepaliveState.PLANNED})


def test_a_tenant_that_has_it_switched_off_is_left_alone_at_once() -> None:
    scene = a_scene(settings=TenantSettings())
    scene.add(2)
    assert ping_due_devices(scene.deps, "tick") == Pinged()
    assert ping_tenant(scene.deps, TENANT_ID, "task") == Pinged()
    assert ping_tenant(scene.deps, "nobody", "task") == Pinged()
    assert scene.keepalives() == [DUE, DUE]


def test_many_devices_are_paged_through_tasks() -> None:
    scene = a_scene()
    scene.add(1_700)
    assert ping_due_devices(scene.deps, "tick").pinged == 500
    assert scene.run_tasks() == 3
    assert [keepalive.last for keepalive in scene.keepalives()] == [NOW] * 1_700
    assert len(scene.tasks.sends) == 4


def test_five_hundred_devices_need_one_task() -> None:
    scene = a_scene()
    scene.add(500)
    ping_due_devices(scene.deps, "tick")
    assert (len(scene.tasks.sends), scene.tasks.fanouts) == (1, [])


def test_pings_of_a_held_tenant_are_skipped() -> None:
    scene = a_scene()
    scene.add(2)
    open_tenant_breaker(scene.deps, TENANT_ID, ALL, "PERMISSION_DENIED")
    assert ping_due_devices(scene.deps, "tick") == Pinged(1, 0, 2)
    assert (scene.tasks.sends, {keepalive.last for keepalive in scene.keepalives()}) == ([], {None})
    assert all(keepalive.next is not None and keepalive.next > NOW for keepalive in scene.keepalives())


def test_priority_is_that_of_the_tenants_template() -> None:
    scene = a_scene()
    scene.add(1)
    template = Template("keepalive", {"priority": "normal"}, created_at=NOW, updated_at=NOW)
    assert scene.deps.templates.create(TENANT_ID, template, trail("template.created", a_call().actor, NOW))
    ping_due_devices(scene.deps, "tick")
    stored = scene.deps.notifications.get(TENANT_ID, scene.tasks.sends[0].key.notification_id)
    assert stored is not None
    assert stored.request["priority"] == "normal"


def test_one_tenants_outage_is_not_the_others() -> None:
    other = replace(a_tenant(id="globex"), settings=PINGING)
    scene = a_scene(other)
    scene.add(1)
    scene.add(2, tenant="globex")
    whole = scene.deps.keepalive

    class Down:
        def find_due(self, tenant: str, *given: Any) -> Any:
            if tenant == TENANT_ID:
                raise Unavailable("The target of a stored device can't be opened.")
            return whole.find_due(tenant, *given)

        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

    deps = replace(scene.deps, keepalive=Down())
    assert ping_due_devices(deps, "tick").pinged == 2
    with pytest.raises(Unavailable):
        ping_tenant(deps, TENANT_ID, "task")


def test_what_a_tick_has_no_time_for_is_left_to_tasks() -> None:
    others = [replace(a_tenant(id=f"tenant-{number:03}"), settings=PINGING) for number in range(150)]
    scene = a_scene(*others)
    for tenant in others:
        scene.add(1, tenant=tenant.id)
    whole = scene.deps.keepalive

    class Slow:
        def save(self, *given: Any) -> bool:
            scene.clock.advance(OWN_TIME / 2)
            return whole.save(*given)

        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

    assert ping_due_devices(replace(scene.deps, keepalive=Slow()), "tick").pinged == 3
    assert scene.run_tasks() == 147
    assert all(scene.keepalives(tenant.id)[0].last is not None for tenant in others)


def test_a_page_that_others_keep_changing_is_left_to_the_next_minute() -> None:
    scene = a_scene()
    scene.add(2)
    whole, reads = scene.deps.keepalive, []

    class Contested:
        def find_due(self, *given: Any) -> Any:
            reads.append(given)
            found = whole.find_due(*given)
            scene.deps.devices.update(TENANT_ID, "d1", lambda device: replace(device, app_version=str(len(reads))))
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

    assert ping_due_devices(replace(scene.deps, keepalive=Contested()), "tick") == Pinged(1)
    assert (len(reads), scene.tasks.sends, scene.keepalives()) == (3, [], [DUE, DUE])
    assert ping_due_devices(scene.deps, "tick").pinged == 2


def test_a_settings_document_that_a_hand_broke_counts_as_off() -> None:
    scene = a_scene()
    scene.add(1)
    tenant = scene.deps.tenants.get(TENANT_ID)
    assert tenant is not None
    listing = scene.deps.tenants.list_pinging(9, None)
    broken = replace(listing, items=[replace(tenant, settings=TenantSettings())])

    class Broken:
        def list_pinging(self, *_: Any) -> Any:
            return broken

    assert ping_due_devices(replace(scene.deps, tenants=Broken()), "tick") == Pinged()


def life(fault: Fault) -> None:
    """Two days of three devices and one tick a minute, one of whose calls fails; the sweep sends what was left."""
    scene = a_scene()
    scene.add(3)
    names = ("keepalive", "tasks", "tenants", "templates")
    used = replace(scene.deps, **{name: Fragile(getattr(scene.deps, name), fault) for name in names})
    for _ in range(2):
        for _ in range(3):
            try:
                ping_due_devices(used, "tick")
            except (Crash, Unavailable):
                scene.clock.advance(MINUTE)
        scene.clock.advance(2 * MINUTE)
        sweep(scene.deps, "sweep")
        scene.clock.at = max(keepalive.next or NOW for keepalive in scene.keepalives())
    pings = {task.key for task in scene.tasks.sends}
    days = [scene.deps.notifications.get(TENANT_ID, key.notification_id) for key in pings]
    assert sorted(row.created_at.date() for row in days if row is not None) == [NOW.date(), NOW.date() + DAY]
    assert all(row.counts.targeted == 3 for row in days if row is not None)


def test_a_tick_that_crashes_neither_skips_nor_doubles() -> None:
    assert live_through_everything(life) >= 20


@pytest.mark.parametrize("seed", range(40))
def test_ticks_that_overlap_and_die_ping_everybody_once_a_day(seed: int) -> None:
    clock = FixedClock(datetime(2026, 11, 24, 23, 59, 30, tzinfo=UTC))
    world = PingWorld(fake_deps(clock=clock), clock, random.Random(seed), TENANT_ID)  # noqa: S311 - histories that can be lived again
    world.begin(world.chance.choice([3, 20]))
    for _ in range(3):
        world.live_a_day(60)


def test_the_fleets_health_is_told_where_pings_are_on() -> None:
    scene = a_scene()
    scene.add(3, replace(DUE, reply=NOW - DAY))
    assert fleet_health(scene.deps, TENANT_ID) == FleetCounts(replied=3)
    shorter = replace(a_tenant(id="globex"), settings=TenantSettings(keepalive=KeepaliveSettings(enabled=True, max_silence_days=1)))
    scene.deps.tenants.create(shorter)
    scene.add(2, replace(DUE, reply=NOW - DAY - MINUTE), tenant="globex")
    assert fleet_health(scene.deps, "globex") == FleetCounts(silent=2)
    scene.deps.tenants.create(a_tenant(id="off"))
    assert fleet_health(scene.deps, "off") is None
