"""When devices are pinged: what is found, what one commit stores, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.filters import AuditFilter
from fanfare.domain.keepalive import Keepalive, KeepaliveState
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.ping_message import ping_of
from fanfare.domain.pings import FleetCounts, heard_of
from fanfare.domain.recipient import recipient_of
from fanfare.domain.registration import RegistrationPlan, deactivate
from fanfare.domain.tenant_settings import TenantSettings
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_tenant, an_owner

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW, PLANNED, STOPPED = KeepaliveState.NEW, KeepaliveState.PLANNED, KeepaliveState.STOPPED


def add(stores: Stores, tenant: str, device_id: str, state: KeepaliveState = PLANNED, *, due: datetime | None = NOW, **fields: Any) -> None:
    keepalive = fields.pop("keepalive", Keepalive(state, next=due if state is PLANNED else None))
    device = a_device(id=device_id, keepalive=keepalive, owners=(an_owner(addresses=()),), **fields)
    assert stores.devices.save(tenant, [RegistrationPlan(device)])


def read(stores: Stores, tenant: str, device_id: str) -> Device:
    return stores.devices.get(tenant, [device_id])[0]


def due(stores: Stores, tenant: str, limit: int = 100) -> list[str]:
    return [device.id for device in stores.keepalive.find_due(tenant, NOW, limit)]


def planned(device: Device, at: datetime = NOW + DAY) -> Device:
    return replace(device, keepalive=replace(device.keepalive, state=PLANNED, last=NOW, next=at))


def test_the_due_are_found_the_longest_due_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    add(stores, tenant, "d1", due=NOW - HOUR)
    add(stores, tenant, "d2", due=NOW - 2 * HOUR)
    add(stores, tenant, "d3", due=NOW)
    add(stores, tenant, "later", due=NOW + timedelta(seconds=1))
    add(stores, tenant, "new", NEW)
    add(stores, tenant, "stopped", STOPPED)
    add(stores, tenant, "inactive", active=False, inactive_reason=InactiveReason.DEACTIVATED)
    add(stores, other_tenant, "theirs")
    assert due(stores, tenant) == ["d2", "d1", "d3"]
    assert due(stores, tenant, 2) == ["d2", "d1"]


def test_the_new_are_found_without_an_order(stores: Stores, tenant: str, other_tenant: str) -> None:
    for number in range(3):
        add(stores, tenant, f"new-{number}", NEW)
    add(stores, tenant, "planned")
    add(stores, tenant, "inactive", NEW, active=False, inactive_reason=InactiveReason.DEACTIVATED)
    add(stores, other_tenant, "theirs", NEW)
    assert {device.id for device in stores.keepalive.find_new(tenant, 100)} == {"new-0", "new-1", "new-2"}
    assert len(stores.keepalive.find_new(tenant, 2)) == 2


def test_times_and_ping_are_stored_together_and_the_audience_hears_nothing(stores: Stores, tenant: str) -> None:
    add(stores, tenant, "d1", tags=("beta",))
    add(stores, tenant, "new", NEW)
    before = read(stores, tenant, "d1")
    devices = [planned(device) for device in (*stores.keepalive.find_due(tenant, NOW, 9), *stores.keepalive.find_new(tenant, 9))]
    ping = ping_of(tenant, None, 1, notification_id="ping-1", request_id="request-1", now=NOW)
    rows = [recipient_of(before)]
    assert stores.keepalive.save(tenant, devices, ping, rows)
    stored = read(stores, tenant, "d1")
    assert stored == replace(before, keepalive=Keepalive(PLANNED, NOW, NOW + DAY))
    assert stored.updated_at == before.updated_at
    assert stores.notifications.get(tenant, "ping-1") == ping
    assert list(stores.chunks.read_recipients(ChunkKey(tenant, "ping-1", 0))) == rows
    assert (due(stores, tenant), list(stores.keepalive.find_new(tenant, 9))) == ([], [])


@pytest.mark.parametrize("change", ["reply", "refresh", "erase"])
def test_a_page_is_refused_whole_where_one_device_has_changed(stores: Stores, tenant: str, change: str) -> None:
    for name in ("d1", "d2"):
        add(stores, tenant, name)
    devices = [planned(device) for device in stores.keepalive.find_due(tenant, NOW, 9)]
    if change == "reply":
        stores.keepalive.update(tenant, "d2", lambda device: heard_of(device, NOW))
    elif change == "refresh":
        stores.devices.update(tenant, "d2", lambda device: replace(device, app_version="2.0"))
    else:
        stores.devices.erase(tenant, ["d2"])
    ping = ping_of(tenant, None, 2, notification_id="ping-1", request_id="request-1", now=NOW)
    assert not stores.keepalive.save(tenant, devices, ping, [recipient_of(device) for device in devices])
    assert stores.notifications.get(tenant, "ping-1") is None
    assert read(stores, tenant, "d1").keepalive.last is None


def test_times_alone_need_no_ping(stores: Stores, tenant: str) -> None:
    add(stores, tenant, "new", NEW)
    devices = [planned(device) for device in stores.keepalive.find_new(tenant, 9)]
    assert stores.keepalive.save(tenant, devices, None, ())
    assert not stores.keepalive.save(tenant, devices, None, ())
    assert read(stores, tenant, "new").keepalive.state is PLANNED


def test_a_whole_page_is_one_commit(stores: Stores, tenant: str) -> None:
    for first in range(0, 500, 100):
        fresh = [a_device(id=f"d{number}", owners=(), keepalive=Keepalive(PLANNED, next=NOW)) for number in range(first, first + 100)]
        plans = [RegistrationPlan(device) for device in fresh]
        assert stores.devices.save(tenant, plans)
    devices = [planned(device) for device in stores.keepalive.find_due(tenant, NOW, 500)]
    ping = ping_of(tenant, None, 500, notification_id="ping-1", request_id="request-1", now=NOW)
    assert stores.keepalive.save(tenant, devices, ping, [recipient_of(device) for device in devices])
    assert due(stores, tenant) == []


def test_a_reply_is_stored_with_its_entry_and_a_new_day_tells_the_audience(stores: Stores, tenant: str) -> None:
    add(stores, tenant, "d1", last_seen_at=NOW - HOUR)
    told = trail("device.replied", Actor(ActorKind.CLIENT, "client-1"), NOW)
    before = read(stores, tenant, "d1")
    stores.keepalive.update(tenant, "d1", lambda device: heard_of(device, NOW), told)
    same_day = read(stores, tenant, "d1")
    assert same_day == replace(before, keepalive=replace(before.keepalive, reply=NOW))
    stores.keepalive.update(tenant, "d1", lambda device: heard_of(device, NOW + DAY), told)
    next_day = read(stores, tenant, "d1")
    assert (next_day.last_seen_at, next_day.keepalive.reply) == (NOW + DAY, NOW + DAY)
    assert next_day.updated_at is not None
    assert before.updated_at is not None
    assert next_day.updated_at >= before.updated_at
    entries = stores.audit.list(tenant, AuditFilter(resource_id="d1"), 9, None).items
    assert [entry.entry.action for entry in entries] == ["device.replied"] * 2


def test_a_decision_that_changes_nothing_writes_nothing(stores: Stores, tenant: str) -> None:
    add(stores, tenant, "d1")
    before = read(stores, tenant, "d1")
    assert stores.keepalive.update(tenant, "d1", lambda _: None) == before
    assert read(stores, tenant, "d1").revision == before.revision


def test_who_is_not_there_replies_to_nothing(stores: Stores, tenant: str) -> None:
    add(stores, tenant, "d1")
    stores.devices.erase(tenant, ["d1"])
    assert stores.keepalive.update(tenant, "d1", lambda device: heard_of(device, NOW)) is None
    assert stores.keepalive.update(tenant, "unknown", lambda device: heard_of(device, NOW)) is None


def test_what_a_device_is_pinged_by_survives_its_other_changes(stores: Stores, tenant: str) -> None:
    whole = Keepalive(PLANNED, NOW - DAY, NOW + HOUR, NOW - HOUR)
    add(stores, tenant, "d1", keepalive=whole)
    stores.devices.update(tenant, "d1", lambda device: deactivate(device, InactiveReason.DEACTIVATED, NOW))
    assert read(stores, tenant, "d1").keepalive == whole


def test_the_fleet_is_counted(stores: Stores, tenant: str, other_tenant: str) -> None:
    for number, reply in enumerate([NOW, NOW - 7 * DAY, NOW - 7 * DAY - HOUR, None, None]):
        add(stores, tenant, f"d{number}", keepalive=Keepalive(PLANNED, NOW, NOW + DAY, reply))
    add(stores, tenant, "stopped", keepalive=Keepalive(STOPPED, NOW, None, NOW - 8 * DAY))
    add(stores, tenant, "new", NEW)
    add(stores, tenant, "retired", active=False, inactive_reason=InactiveReason.UNREGISTERED)
    add(stores, other_tenant, "theirs")
    assert stores.keepalive.count(tenant, NOW - 7 * DAY) == FleetCounts(replied=2, silent=3, stopped=1)


def test_the_tenants_are_found_that_ping(stores: Stores) -> None:
    for name, enabled in (("a", True), ("b", False), ("c", True), ("d", True)):
        settings = TenantSettings(keepalive=KeepaliveSettings(enabled=enabled))
        stores.tenants.create(replace(a_tenant(id=name), settings=settings))
    first = stores.tenants.list_pinging(2, None)
    assert ([tenant.id for tenant in first.items], first.next_after) == (["a", "c"], "c")
    assert [tenant.id for tenant in stores.tenants.list_pinging(2, first.next_after).items] == ["d"]
