"""A notification for a local time: sent to each recipient at its own instant, whatever happens while it waits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.broadcast_steering import cancel_broadcast, pause_broadcast, resume_broadcast
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.device import Device
from fanfare.domain.layout import Layout, Source
from fanfare.domain.local_time import LocalTime
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus, StatusReason
from fanfare.domain.recipient import recipient_of
from fanfare.ports import Deps
from fanfare.services import pack_zones
from fanfare.services.list_deliveries import list_deliveries
from fanfare.services.send_by_zone import by_zone
from fanfare.services.steer_broadcast import steer_broadcast
from fanfare.services.sweep import sweep
from tests.factories import TENANT_ID, a_device, a_notification, a_tenant
from tests.fakes import FixedClock, MemoryTenantStore, RecordingTaskQueue, fake_deps
from tests.month.cloud import Cloud
from tests.month.ledger import Ledger
from tests.unit.services.seeding import add_devices

ID = "notification-1"
NINE = LocalTime(datetime(2026, 11, 24, 9, 0), "Africa/Dar_es_Salaam", 3_600)  # noqa: DTZ001 - on nobody's clock
MADE_AT = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
"""When it is nine o'clock on Kiritimati."""
HOURS = {
    "Pacific/Kiritimati": -5, "Pacific/Auckland": -4, "Asia/Tokyo": 0, "Asia/Kolkata": 3.5, "Africa/Dar_es_Salaam": 6, "Europe/Berlin": 8,
    "Europe/London": 9, "America/Sao_Paulo": 12, "America/New_York": 14, "America/Los_Angeles": 17, None: 6, "Mars/Olympus": 6,
}  # fmt: skip
"""When it comes to each zone, in hours of that day in UTC."""
ZONES = list(HOURS)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def due(zone: str | None) -> datetime:
    return MIDNIGHT + timedelta(hours=HOURS[zone])


@dataclass
class Zones:
    """A broadcast to devices of all zones."""

    cloud: Cloud
    ledger: Ledger
    devices: list[Device]

    @property
    def deps(self) -> Deps:
        return self.cloud.deps

    def run(self, end: datetime = MIDNIGHT + timedelta(days=2)) -> None:
        """Let time pass: tasks when they are due, and the sweep every minute in which something is overdue."""
        while self.cloud.clock.at < end:
            check = self.notification().next_check_at
            wanted = [at for at in (self.cloud.next_at(), check, end) if at is not None]
            self.cloud.run_until(max(min(wanted), self.cloud.clock.at))
            check = self.notification().next_check_at
            if check is not None and check <= self.cloud.clock.at:
                self.cloud.clock.advance(timedelta(seconds=1))
                self.cloud.tick("sweep", lambda deps: sweep(deps, "request"))

    def notification(self) -> Notification:
        found = self.deps.notifications.get(TENANT_ID, ID)
        assert found is not None
        return found

    def steer(self, decide: Any) -> None:
        audit = trail("notification.steered", Actor(ActorKind.CLIENT, "client-1"), self.cloud.clock.now())
        steer_broadcast(self.deps, self.notification(), decide, audit, "request")

    def late(self) -> dict[str, timedelta]:
        """By how much each device was sent to after its instant; each once."""
        zones = {device.id: device.timezone for device in self.devices}
        posts = self.ledger.posts
        assert len({post.device_id for post in posts}) == len(posts), "nobody is told twice"
        return {post.device_id: post.at - due(zones[post.device_id]) for post in posts}


def a_broadcast(devices: int = 36, **fields: Any) -> Zones:
    zones = _a_world(devices)
    usual: dict[str, Any] = {"layout": Layout(Source.AUDIENCE), "counts": Counts(), "chunk_count": 0, "local_time": NINE}
    zones.deps.notifications.accept(_made(**usual | fields), ())
    zones.deps.tasks.enqueue_fanout(TENANT_ID, ID, "request")
    return zones


def a_direct_send(devices: int = 36) -> Zones:
    zones = _a_world(devices)
    notification, rows = by_zone(_made(local_time=NINE), NINE, [(recipient_of(device), device.timezone) for device in zones.devices])
    zones.deps.notifications.accept(notification, ())
    zones.deps.recipients.write(TENANT_ID, ID, 0, [rows[number] for number in range(len(rows))])
    zones.deps.tasks.enqueue_fanout(TENANT_ID, ID, "request")
    return zones


def _a_world(devices: int) -> Zones:
    clock, tasks, tenants = FixedClock(MADE_AT), RecordingTaskQueue(), MemoryTenantStore()
    tenants.create(a_tenant())
    ledger = Ledger(clock)
    deps = fake_deps(clock=clock, tasks=tasks, tenants=tenants, sender=ledger)
    made = [a_device(id=f"device-{number}", timezone=ZONES[number % len(ZONES)]) for number in range(devices)]
    add_devices(deps, *made)
    clock.advance(timedelta(minutes=10))
    return Zones(Cloud(deps, clock, tasks, random.Random(1)), ledger, made)  # noqa: S311 - no secret


def _made(**fields: Any) -> Notification:
    usual: dict[str, Any] = {
        "request": {"to": {"everyone": True}, "title": "Good morning"}, "status": NotificationStatus.QUEUED, "created_at": MADE_AT,
        "planned_at": MADE_AT, "next_check_at": MADE_AT + FIRST_CHECK, "ttl_seconds": 3_600,
    }  # fmt: skip
    return a_notification(**usual | fields)


def check_on_time(zones: Zones, within: timedelta = timedelta(minutes=2)) -> None:
    late = zones.late()
    assert late.keys() == {device.id for device in zones.devices}
    # What is sent within the minutes that the scan itself takes is the eastmost alone.
    assert all(timedelta() <= by <= (within if due_at > MADE_AT else timedelta(minutes=15)) for by, due_at in _dues(zones, late))
    notification = zones.notification()
    assert (notification.status, notification.counts.sent, notification.counts.targeted) == (NotificationStatus.COMPLETED, *[len(zones.devices)] * 2)
    assert len(list_deliveries(zones.deps, TENANT_ID, ID)) == len(zones.devices)


def _dues(zones: Zones, late: dict[str, timedelta]) -> list[tuple[timedelta, datetime]]:
    return [(late[device.id], due(device.timezone)) for device in zones.devices if device.id in late]


@pytest.mark.parametrize("make", [a_broadcast, a_direct_send])
def test_everybody_is_told_at_nine_on_the_own_clock(make: Any) -> None:
    zones = make()
    zones.run()
    check_on_time(zones)
    assert zones.notification().layout.dues == tuple(sorted({due(zone) for zone in ZONES}))  # type: ignore[union-attr]


def test_shards_are_read_once_whatever_the_number_of_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    zones = a_broadcast(240)
    zones.deps.audience.update(TENANT_ID, lambda stored: replace(stored, shards=16, generations={stored.generation: 16}))
    read: list[int] = []
    whole = zones.deps.audience.read_shards

    def counted(tenant: str, generation: int, numbers: Sequence[int]) -> Any:
        read.extend(numbers)
        return whole(tenant, generation, numbers)

    monkeypatch.setattr(zones.deps.audience, "read_shards", counted)
    zones.run()
    check_on_time(zones)
    header = zones.deps.audience.get(TENANT_ID)
    assert header is not None
    assert sorted(read) == list(range(header.shards)), "once each"
    assert header.pins == {}


def test_message_lives_from_its_own_instant() -> None:
    """An hour's life is not over where the time comes nineteen hours later."""
    zones = a_broadcast(12, ttl_seconds=60)
    zones.run()
    check_on_time(zones)


def test_whom_the_time_came_to_before_the_grace_is_left_out() -> None:
    zones = a_broadcast(created_at=MIDNIGHT + timedelta(hours=7), next_check_at=None)
    zones.cloud.clock.at = MIDNIGHT + timedelta(hours=7)
    zones.run()
    told = {device.timezone for device in zones.devices if device.id in zones.late()}
    assert told == {zone for zone in ZONES if HOURS[zone] >= 6}
    assert zones.notification().counts.targeted == 36 * len(told) // len(ZONES)


def test_nobody_who_is_left_completes_it() -> None:
    zones = a_broadcast(created_at=MIDNIGHT + timedelta(days=1))
    zones.run()
    notification = zones.notification()
    assert (notification.status, notification.status_reason) == (NotificationStatus.COMPLETED, StatusReason.NO_RECIPIENTS)
    assert zones.ledger.posts == []
    assert zones.deps.audience.get(TENANT_ID).pins == {}  # type: ignore[union-attr]


@pytest.mark.parametrize("make", [a_broadcast, a_direct_send])
def test_paused_for_some_hours_it_goes_on_with_what_came_meanwhile(make: Any) -> None:
    zones = make()
    zones.run(MIDNIGHT + timedelta(hours=1))
    zones.steer(pause_broadcast)
    zones.run(MIDNIGHT + timedelta(hours=8, minutes=30))
    assert {due(device.timezone) for device in zones.devices if device.id in zones.late()} == {due(zone) for zone in ZONES[:3]}
    zones.steer(resume_broadcast)
    zones.run()
    check_on_time(zones, within=timedelta(hours=6))


@pytest.mark.parametrize("make", [a_broadcast, a_direct_send])
def test_cancelled_it_ends_at_once_with_exact_counts(make: Any) -> None:
    zones = make()
    zones.run(MIDNIGHT + timedelta(hours=7))
    zones.steer(cancel_broadcast)
    zones.run(MIDNIGHT + timedelta(hours=7, minutes=5))
    notification = zones.notification()
    sent = len(zones.late())
    assert (notification.status, notification.status_reason) == (NotificationStatus.CANCELLED, StatusReason.BY_CALLER)
    assert (notification.counts.targeted, notification.counts.sent, notification.counts.unsent) == (36, sent, 36 - sent)
    assert sent == sum(HOURS[device.timezone] <= 7 for device in zones.devices)


def test_pause_outlives_the_messages_of_the_last_zone_alone() -> None:
    zones = a_broadcast()
    zones.run(MIDNIGHT)
    zones.steer(pause_broadcast)
    assert zones.notification().next_check_at == due("America/Los_Angeles") + timedelta(hours=1, seconds=60)


@pytest.mark.parametrize("make", [a_broadcast, a_direct_send])
@pytest.mark.parametrize("seed", range(12))
def test_calls_that_die_and_come_twice_neither_lose_nor_double_anybody(make: Any, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_zones, "PAGE_ROWS", 8)
    zones = make()
    zones.cloud.chance = random.Random(seed)  # noqa: S311 - no secret
    zones.cloud.crashed, zones.cloud.doubled = 0.15, 0.1
    zones.run()
    late, notification = zones.late(), zones.notification()
    assert late.keys() == {device.id for device in zones.devices}
    assert all(by >= timedelta() for by in late.values())
    assert (notification.status, notification.counts.targeted) == (NotificationStatus.COMPLETED, len(zones.devices))


@pytest.mark.parametrize("at", range(40, 71))
def test_device_that_moves_while_a_page_is_repeated_is_told_once(at: int) -> None:
    """The first call dies at its step; before the next one comes, everybody has moved to another zone."""
    zones = a_broadcast()

    def move() -> None:
        for device in zones.devices:
            moved = ZONES[(ZONES.index(device.timezone) + 1) % len(ZONES)]
            zones.deps.devices.update(TENANT_ID, device.id, lambda stored, zone=moved: replace(stored, timezone=zone))

    zones.cloud.die_once(at, move)
    zones.run()
    posts = [post.device_id for post in zones.ledger.posts]
    assert sorted(posts) == sorted(device.id for device in zones.devices)
