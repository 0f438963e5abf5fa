"""What every device store finds: by target, by label, by profile, by how long it has been inactive; and what it tells of changes to many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.errors import Unavailable
from fanfare.domain.filters import AuditFilter, DeviceFilter
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.registration import RegistrationPlan, deactivate, revive
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_token, an_owner

DAY = timedelta(days=1)
ENTRY = AuditEntry("device.purged", Actor(ActorKind.CLIENT, "client-1"), NOW)


def _save(stores: Stores, tenant: str, *devices: Device) -> None:
    assert stores.devices.save(tenant, [RegistrationPlan(device) for device in devices])


def _ids(devices: Sequence[Device]) -> list[str]:
    return [device.id for device in devices]


def _inactive(device_id: str, days: int, reason: InactiveReason = InactiveReason.UNREGISTERED) -> Device:
    return deactivate(a_device(id=device_id), reason, NOW - days * DAY)


def _told(stores: Stores, tenant: str) -> list[list[str]]:
    return sorted(sorted(row.entry.resource_ids) for row in stores.audit.list(tenant, AuditFilter(), 10, None).items)


# By target


@pytest.mark.parametrize("kind", [TargetKind.TOKEN, TargetKind.FID])
def test_device_is_found_by_its_target_under_either_name(stores: Stores, tenant: str, kind: TargetKind) -> None:
    _save(stores, tenant, a_device(), a_device(id="other"))
    assert stores.devices.find_by_target(tenant, a_device().target._replace(kind=kind)) == stores.devices.get(tenant, ["device-1"])[0]


def test_softly_deleted_device_is_found_by_its_target(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, _inactive("device-1", 1, InactiveReason.DELETED))
    found = stores.devices.find_by_target(tenant, a_device().target)
    assert found is not None
    assert found.is_deleted


def test_target_of_nobody_and_of_another_tenant_is_not_found(stores: Stores, tenant: str, other_tenant: str) -> None:
    _save(stores, tenant, a_device())
    assert stores.devices.find_by_target(tenant, a_token("unknown")) is None
    assert stores.devices.find_by_target(other_tenant, a_device().target) is None


# By label


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"tag": "beta"}, ["a", "b"]),
        ({"tag": "vip"}, ["a"]),
        ({"tag": "bet"}, []),
        ({"topic": "news"}, ["b", "c"]),
        ({"topic": "news", "platform": Platform.IOS}, ["c"]),
        ({"tag": "beta", "active": True}, ["a", "b"]),
    ],
)
def test_devices_are_listed_by_tag_or_topic(stores: Stores, tenant: str, filters: dict[str, Any], expected: list[str]) -> None:
    _save(
        stores,
        tenant,
        a_device(id="a", tags=("beta", "vip")),
        a_device(id="b", tags=("beta",), topics=("news",)),
        a_device(id="c", topics=("sport", "news"), platform=Platform.IOS),
        deactivate(a_device(id="d", tags=("beta", "vip"), topics=("news",)), InactiveReason.DELETED, NOW),
    )
    assert _ids(stores.devices.list(tenant, DeviceFilter(**filters), 10, None).items) == expected


# By profile


def test_every_device_of_a_profile_is_listed_softly_deleted_ones_too(stores: Stores, tenant: str) -> None:
    p1, p2 = an_owner("p1"), an_owner("p2")
    deleted = deactivate(a_device(id="b", owners=(p1,)), InactiveReason.DELETED, NOW)
    _save(stores, tenant, a_device(id="a", owners=(p1,)), deleted, a_device(id="c", owners=(p2, p1)), a_device(id="d", owners=(p2,)))
    first = stores.devices.list_of_profile(tenant, "p1", 2, None)
    second = stores.devices.list_of_profile(tenant, "p1", 2, first.next_after)
    assert (_ids(first.items), _ids(second.items), second.next_after) == (["a", "b"], ["c"], None)
    assert _ids(stores.devices.list_of_profile(tenant, "nobody", 2, None).items) == []


# By how long they have been inactive


def test_inactive_devices_are_found_the_longest_inactive_first(stores: Stores, tenant: str, other_tenant: str) -> None:
    _save(stores, tenant, _inactive("a", 3), _inactive("b", 10), _inactive("c", 5), a_device(id="d"))
    _save(stores, other_tenant, _inactive("e", 10))
    assert _ids(stores.devices.find_purgeable(tenant, NOW, 10)) == ["b", "c", "a"]
    assert _ids(stores.devices.find_purgeable(tenant, NOW - 5 * DAY, 10)) == ["b", "c"]
    assert _ids(stores.devices.find_purgeable(tenant, NOW - 5 * DAY, 1)) == ["b"]
    assert _ids(stores.devices.find_purgeable(tenant, NOW - 11 * DAY, 10)) == []


@pytest.mark.parametrize("reason", InactiveReason)
def test_deleted_devices_and_those_that_wait_for_their_profile_are_not_purgeable(stores: Stores, tenant: str, reason: InactiveReason) -> None:
    _save(stores, tenant, _inactive("a", 3, reason))
    expected = [] if reason in {InactiveReason.DELETED, InactiveReason.PROFILE_DELETED} else ["a"]
    assert _ids(stores.devices.find_purgeable(tenant, NOW, 10)) == expected


def test_revived_device_is_not_purgeable_any_more(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, _inactive("a", 3))
    stores.devices.update(tenant, "a", revive)
    assert _ids(stores.devices.find_purgeable(tenant, NOW, 10)) == []


# What is told of changes to many


def _mark(device: Device) -> Device | None:
    return replace(device, model="Pixel 8") if device.model is None else None


def test_changes_to_many_are_told_by_one_entry_that_names_the_changed_ones(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"), a_device(id="left", model="iPhone 15"))
    assert sorted(stores.devices.update_many(tenant, ["a", "left", "nobody", "b"], _mark, ENTRY)) == ["a", "b"]
    assert _told(stores, tenant) == [["a", "b"]]


def test_nothing_changed_is_nothing_told(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(model="iPhone 15"))
    assert list(stores.devices.update_many(tenant, ["device-1", "nobody"], _mark, ENTRY)) == []
    assert _told(stores, tenant) == []


def test_device_that_another_writer_settled_meanwhile_counts_as_left(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="contested"))
    seen: list[str] = []

    def decide(device: Device) -> Device | None:
        seen.append(device.id)
        if device.id == "contested" and seen.count("contested") == 1:
            stores.devices.update(tenant, "contested", lambda other: replace(other, model="Pixel 9"))
        return _mark(device)

    assert list(stores.devices.update_many(tenant, ["a", "contested"], decide, ENTRY)) == ["a"]
    assert [device.model for device in stores.devices.get(tenant, ["a", "contested"])] == ["Pixel 8", "Pixel 9"]
    assert _told(stores, tenant) == [["a"]]


# The locks of what is changed


def _without_install(device: Device) -> Device:
    return replace(device, owners=tuple(replace(owner, installed_as=None) for owner in device.owners), device_id=None)


@pytest.mark.parametrize("contested", [False, True])
def test_install_that_a_decision_gives_up_is_free(stores: Stores, tenant: str, *, contested: bool) -> None:
    _save(stores, tenant, a_device(id="a", device_id="phone"), a_device(id="b"))
    seen: list[str] = []

    def decide(device: Device) -> Device | None:
        seen.append(device.id)
        if contested and seen == ["a"]:
            stores.devices.update(tenant, "b", lambda other: replace(other, model="Pixel 9"))
        return _without_install(device) if device.id == "a" else replace(device, app_version="4")

    assert list(stores.devices.update_many(tenant, ["a", "b"], decide)) == ["a", "b"]
    _save(stores, tenant, a_device(id="c", device_id="phone"))


def test_target_that_a_decision_takes_is_taken_and_the_old_one_free(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"))
    stores.devices.update(tenant, "a", lambda device: replace(device, target=a_token("new")))
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device(id="b", target=a_token("new")))])
    _save(stores, tenant, a_device(id="b", target=a_token("a")))


def test_target_of_another_device_is_taken_by_no_decision(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"))
    with pytest.raises(Unavailable):
        stores.devices.update(tenant, "a", lambda device: replace(device, target=a_token("b")))
    assert stores.devices.get(tenant, ["a"])[0].target == a_token("a")
