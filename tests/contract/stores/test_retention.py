"""What every store finds and removes of records, devices, profiles and keys that are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from fanfare.domain.analytics import Amounts, RowFilter
from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.filters import AuditFilter
from fanfare.domain.message import Platform
from fanfare.domain.registration import RegistrationPlan, deactivate
from fanfare.domain.retention import Kind
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_notification, a_profile, a_recipient

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
TODAY = date(2026, 11, 24)
LONG = 3_650 * DAY
"""The real store's own times are the server's, which may be another year than ours."""


def _save(stores: Stores, tenant: str, *devices: Device) -> None:
    assert stores.devices.save(tenant, [RegistrationPlan(device) for device in devices])


def _entry(action: str, days: int) -> AuditEntry:
    return AuditEntry(action, Actor(ActorKind.CLIENT, "client-1"), NOW - days * DAY)


def test_idle_devices_are_found_by_platform_the_longest_silent_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    silent = [a_device(id=name, last_seen_at=NOW - days * DAY) for name, days in (("a", 2), ("b", 3), ("c", 0))]
    others = [a_device(id="ios", platform=Platform.IOS, last_seen_at=NOW - 9 * DAY), a_device(id="off", active=False, last_seen_at=NOW - 9 * DAY)]
    _save(stores, tenant, *silent, *others)
    _save(stores, other_tenant, a_device(id="d", last_seen_at=NOW - 9 * DAY))
    assert [device.id for device in stores.retention.find_idle(tenant, Platform.ANDROID, NOW - 2 * DAY, 10)] == ["b", "a"]
    assert [device.id for device in stores.retention.find_idle(tenant, Platform.ANDROID, NOW, 1)] == ["b"]
    assert [device.id for device in stores.retention.find_idle(tenant, Platform.IOS, NOW, 10)] == ["ios"]


def test_softly_deleted_devices_are_found_the_longest_deleted_first(stores: Stores, tenant: str) -> None:
    reasons = (("a", InactiveReason.DELETED, 2), ("b", InactiveReason.DELETED, 3), ("c", InactiveReason.DELETED, 0), ("d", InactiveReason.IDLE, 9))
    _save(stores, tenant, *(deactivate(a_device(id=name), reason, NOW - days * DAY) for name, reason, days in reasons))
    assert [device.id for device in stores.retention.find_deleted(tenant, NOW - 2 * DAY, 10)] == ["b", "a"]
    assert [device.id for device in stores.retention.find_deleted(tenant, NOW, 1)] == ["b"]


def test_wiped_devices_are_counted_with_the_commit_that_wipes_them(stores: Stores, tenant: str) -> None:
    platforms = {"a": Platform.ANDROID, "b": Platform.IOS, "c": Platform.IOS}
    _save(stores, tenant, *(a_device(id=name, platform=platform) for name, platform in platforms.items()))
    assert stores.devices.erase(tenant, ["a", "b", "c"], only_if=lambda device: device.id != "c", cleaned_on=TODAY) == 2
    assert stores.devices.erase(tenant, ["a", "b"], cleaned_on=TODAY) == 2, "they are tombstones already"
    rows = stores.analytics.rows(tenant, TODAY, TODAY, RowFilter(), 10)
    assert {row.key.platform: row.amounts.cleaned for row in rows} == {"android": 1, "ios": 1}
    assert [row.amounts for row in stores.analytics.totals(tenant, TODAY, TODAY)] == [Amounts(cleaned=2)]


def test_devices_that_several_wipe_at_once_are_counted_once(stores: Stores, tenant: str) -> None:
    names = [f"device-{number}" for number in range(12)]
    _save(stores, tenant, *(a_device(id=name) for name in names))
    race([lambda: stores.devices.erase(tenant, names, cleaned_on=TODAY)] * 4)
    assert [row.amounts.cleaned for row in stores.analytics.totals(tenant, TODAY, TODAY)] == [12]


def test_erasure_by_somebody_counts_nothing(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device())
    stores.devices.erase(tenant, ["device-1"])
    assert stores.analytics.totals(tenant, TODAY, TODAY) == []


def test_tombstones_are_removed_and_nothing_else(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"), deactivate(a_device(id="c"), InactiveReason.DELETED, NOW))
    stores.devices.erase(tenant, ["a", "b"])
    assert stores.retention.remove_tombstones(tenant, NOW - LONG, 10) == 0
    assert [stores.retention.remove_tombstones(tenant, NOW + LONG, 1) for _ in range(3)] == [1, 1, 0]
    assert [device.id for device in stores.devices.get(tenant, ["a", "b", "c"])] == ["c"]
    assert stores.devices.erase(tenant, ["a"]) == 0, "nobody knows that it ever was"


def test_softly_deleted_profiles_are_found_and_erased_ones_are_not(stores: Stores, tenant: str) -> None:
    for name, days, erased in (("p1", 2, None), ("p2", 3, None), ("p3", 0, None), ("p4", 9, NOW)):
        stores.profiles.create(tenant, a_profile(id=name, deleted_at=NOW - days * DAY, erased_at=erased))
    stores.profiles.create(tenant, a_profile(id="p5"))
    assert list(stores.retention.find_deleted_profiles(tenant, NOW - 2 * DAY, 10)) == ["p2", "p1"]
    assert list(stores.retention.find_deleted_profiles(tenant, NOW, 1)) == ["p2"]


def test_audit_entries_are_removed_when_they_are_due(stores: Stores, tenant: str, other_tenant: str) -> None:
    for action, days in (("a.a", 3), ("b.b", 2), ("c.c", 1)):
        stores.audit.record(tenant, _entry(action, days))
    stores.audit.record(other_tenant, _entry("d.d", 9))
    assert [stores.retention.remove_records(tenant, Kind.AUDIT, NOW - 2 * DAY, 1) for _ in range(3)] == [1, 1, 0]
    assert [row.entry.action for row in stores.audit.list(tenant, AuditFilter(), 10, None).items] == ["c.c"]
    assert len(stores.audit.list(other_tenant, AuditFilter(), 10, None).items) == 1


@pytest.mark.parametrize("kind", [Kind.RECEIPTS, Kind.EVENTS])
def test_kinds_that_nobody_has_written_are_none(stores: Stores, tenant: str, kind: Kind) -> None:
    assert stores.retention.remove_records(tenant, kind, NOW, 10) == 0


def test_notification_of_a_time_is_known(stores: Stores, tenant: str, other_tenant: str) -> None:
    assert not stores.retention.is_anything_older(tenant, NOW)
    stores.notifications.accept(a_notification(id="other", tenant=other_tenant), [])
    assert not stores.retention.is_anything_older(tenant, NOW)
    stores.notifications.accept(replace(a_notification(), created_at=NOW - DAY), [a_recipient()])
    assert stores.retention.is_anything_older(tenant, NOW)
    assert not stores.retention.is_anything_older(tenant, NOW - DAY - SECOND)
    assert list(stores.retention.find_retired_keys(tenant, NOW)) == []
