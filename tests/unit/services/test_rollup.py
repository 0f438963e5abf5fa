"""The tick of every five minutes: which tenants it nudges, how far it goes, and what it looks after."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fanfare.domain.audience import KEPT, OVERLAP, Audience, take_lease
from fanfare.domain.compaction import PackedShard, StoredShard
from fanfare.domain.errors import Unavailable
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.shard import pack_shard
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.rollup import USUAL_REACH, Reach, RolledUp, roll_up
from tests.factories import NOW, TENANT_ID, a_device, a_notification
from tests.fakes import FixedClock, MemoryAudienceStore, MemoryDeviceStore, MemoryNotificationStore, RecordingLog, RecordingTaskQueue, fake_deps

SECOND = timedelta(seconds=1)


class Tick:
    def __init__(self, **overrides: Any) -> None:
        self.clock, self.tasks, self.log = FixedClock(NOW), RecordingTaskQueue(), RecordingLog()
        self.devices = MemoryDeviceStore(self.clock)
        self.audience = overrides.pop("audience", MemoryAudienceStore)(self.devices)
        fakes = {"clock": self.clock, "tasks": self.tasks, "log": self.log, "devices": self.devices, "audience": self.audience}
        self.deps: Deps = fake_deps(**fakes | overrides)

    def register(self, tenant: str, device_id: str = "device-1") -> None:
        self.devices.save(tenant, [RegistrationPlan(a_device(id=device_id))])

    def run(self, reach: Reach = USUAL_REACH) -> list[str]:
        """Tick; the tenants whose compaction was asked for."""
        self.tasks.fanouts.clear()
        roll_up(self.deps, "request-1", reach=reach)
        return [task.tenant for task in self.tasks.fanouts if task.work == "audience"]

    def put(self, **fields: Any) -> None:
        header = replace(Audience(TENANT_ID, next_check_at=NOW), **fields)
        self.audience.update(TENANT_ID, lambda _: header)
        for generation, shards in header.generations.items():
            packed = [PackedShard(StoredShard(number), 0, pack_shard([])) for number in range(shards)]
            self.audience.write_shards(TENANT_ID, generation, 1, packed)

    def generations(self) -> set[int]:
        return {generation for _, generation, _ in self.audience.documents}

    def header(self) -> Audience:
        found = self.audience.get(TENANT_ID)
        assert found is not None
        return found


def test_each_tenant_with_changes_is_nudged_once() -> None:
    tick = Tick()
    for number in range(20):
        tick.register("acme", f"device-{number}")
    tick.register("globex")
    assert sorted(tick.run()) == ["acme", "globex"]


def test_tenant_whose_changes_were_looked_at_is_not_nudged_again() -> None:
    tick = Tick()
    tick.register("acme")
    assert tick.run() == ["acme"]
    tick.clock.advance(OVERLAP + SECOND)
    assert tick.run() == ["acme"], "what may have become visible late is looked at twice"
    tick.clock.advance(OVERLAP + SECOND)
    assert tick.run() == []
    tick.register("acme", "device-2")
    assert tick.run() == ["acme"]


def test_platforms_own_tenant_has_no_audience() -> None:
    tick = Tick()
    tick.register(PLATFORM_TENANT)
    assert tick.run() == []


def test_change_whose_nudge_was_refused_is_found_again() -> None:
    tick = Tick()
    tick.register("acme")
    tick.tasks.refusing = True
    for _ in range(2):
        assert tick.run() == []
        tick.clock.advance(OVERLAP * 2)
    tick.tasks.refusing = False
    assert tick.run() == ["acme"]


def test_tick_ends_somewhere_and_the_next_one_goes_on_from_there() -> None:
    tick = Tick()
    for number in range(12):
        for tenant in ("a", "b"):
            tick.register(f"{tenant}{number:02}", "device-1")
        tick.clock.advance(SECOND)
    tick.clock.advance(OVERLAP * 2)
    found: list[str] = []
    ticks = 0
    while nudged := tick.run(Reach(changes=3, pages=2)):
        ticks += 1
        found += nudged
        assert ticks < 40
    assert set(found) == {f"{tenant}{number:02}" for number in range(12) for tenant in "ab"}
    assert ticks > 3


def test_pin_of_a_broadcast_that_has_ended_is_released_and_what_it_pinned_is_dropped() -> None:
    notifications = MemoryNotificationStore()
    tick = Tick(notifications=notifications)
    notifications.accept(a_notification(id="running"), [])
    notifications.accept(a_notification(id="ended", status=NotificationStatus.COMPLETED), [])
    tick.put(
        generation=4, newest=4, generations={1: 2, 2: 4, 3: 4, 4: 8}, superseded={1: NOW - KEPT, 2: NOW - KEPT, 3: NOW},
        pins={"running": 1, "ended": 2, "gone": 2},
    )  # fmt: skip
    tick.run()
    header = tick.header()
    assert (header.pins, header.generations, set(header.superseded)) == ({"running": 1}, {1: 2, 3: 4, 4: 8}, {1, 3})
    assert tick.generations() == {1, 3, 4}
    assert header.next_check_at == NOW + KEPT


def test_audience_with_nothing_left_to_look_after_is_not_looked_at_again() -> None:
    tick = Tick()
    tick.put(generation=2, newest=2, generations={1: 1, 2: 2}, superseded={1: NOW - KEPT})
    assert roll_up(tick.deps, "request-1") == RolledUp(tenants=0, generations=1)
    assert tick.header().next_check_at is None
    assert tick.generations() == {2}


def test_pass_that_nobody_goes_on_with_is_nudged() -> None:
    tick = Tick()
    tick.audience.update(TENANT_ID, lambda stored: take_lease(stored, "somebody who died", NOW))
    assert tick.run() == []
    tick.clock.advance(KEPT)
    assert tick.run() == [TENANT_ID]


def test_one_tenant_that_cannot_be_read_does_not_stop_the_others() -> None:
    class Broken(MemoryAudienceStore):
        def get(self, tenant: str) -> Audience | None:
            if tenant == "broken":
                raise Unavailable("The header of an audience can't be read.")
            return super().get(tenant)

        def find_to_check(self, now: datetime, limit: int) -> list[str]:
            return ["broken", "gone", *super().find_to_check(now, limit)]

    tick = Tick(audience=Broken)
    tick.put(generation=2, newest=2, generations={1: 1, 2: 2}, superseded={1: NOW - KEPT})
    tick.run()
    assert tick.generations() == {2}
    assert [record.fields["tenant"] for record in tick.log.records if record.event == "audience_unattended"] == ["broken"]
