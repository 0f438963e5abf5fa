"""What every device store does with devices by id, in lists and by whom they belong to. Its locks have a suite of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.device import Device, InactiveReason, Owner, Retirement
from fanfare.domain.errors import Unavailable
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.registration import RegistrationPlan, deactivate
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_profile, a_token, an_owner

UNFILTERED = DeviceFilter()


def _save(stores: Stores, tenant: str, *devices: Device) -> None:
    assert stores.devices.save(tenant, [RegistrationPlan(device) for device in devices])


def _stored(stores: Stores, tenant: str, device_id: str = "device-1") -> Device:
    return stores.devices.get(tenant, [device_id])[0]


def _ids(devices: Sequence[Device]) -> list[str]:
    return [device.id for device in devices]


def _create_owner(stores: Stores, tenant: str, profile_id: str) -> Owner:
    profile, _ = stores.profiles.create(tenant, a_profile(id=profile_id))
    return Owner(profile.id, profile.username, profile.addresses)


def _username(profile_id: str) -> Address:
    return Address(AddressKind.USERNAME, f"user-of-{profile_id}")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"target": a_token("f", kind=TargetKind.FID), "platform": Platform.IOS, "owners": (), "last_seen_at": NOW},
        {"target": a_token(value="x" * 4_096), "platform": Platform.WEB, "owners": (an_owner("p1"), an_owner("p2", username=None))},
        {"device_id": "installation/1", "app_version": "3.2.1", "os_version": "17.4", "model": "iPhone 15", "tags": ("beta", "vip")},
        {"locale": "sw-TZ", "timezone": "Africa/Dar_es_Salaam", "topics": ("news", "a-b.c~d%"), "created_at": NOW - timedelta(days=400)},
        {"active": False, "inactive_reason": InactiveReason.UNREGISTERED, "inactive_since": NOW, "retirement": Retirement("U", NOW, "n-1")},
    ],
)
def test_saved_device_is_found_with_every_field(stores: Stores, tenant: str, fields: dict[str, Any]) -> None:
    device = a_device(**fields)
    _save(stores, tenant, device)
    stored = _stored(stores, tenant)
    assert stored == replace(device, updated_at=stored.updated_at, topic_sync=stored.topic_sync)
    assert stored.topic_sync.pending == tuple(sorted(device.topics))
    assert stored.updated_at is not None


def test_devices_come_in_the_order_asked_for_without_the_unknown_ones(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"), a_device(id="c"))
    assert _ids(stores.devices.get(tenant, ["c", "nobody", "a"])) == ["c", "a"]
    assert _ids(stores.devices.get(tenant, [])) == []


def test_tenants_see_nothing_of_each_other(stores: Stores, tenant: str, other_tenant: str) -> None:
    owner = _create_owner(stores, tenant, "profile-1")
    _save(stores, tenant, a_device(owners=(owner,)))
    assert _ids(stores.devices.get(other_tenant, ["device-1"])) == []
    assert _ids(stores.devices.list(other_tenant, UNFILTERED, 10, None).items) == []
    assert _ids(stores.devices.find_active(other_tenant, [_username("profile-1")], 10)) == []
    assert stores.devices.update(other_tenant, "device-1", lambda device: replace(device, model="stolen")) is None
    assert _stored(stores, tenant).model is None


# Updates


def test_update_stores_what_was_decided(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(tags=("beta",)))
    answer = stores.devices.update(tenant, "device-1", lambda device: replace(device, tags=(*device.tags, "vip")))
    assert answer is not None
    assert answer.tags == _stored(stores, tenant).tags == ("beta", "vip")


def test_update_of_an_unknown_device_decides_nothing(stores: Stores, tenant: str) -> None:
    def decide(device: Device) -> Device:
        raise AssertionError(device)

    assert stores.devices.update(tenant, "device-1", decide) is None
    assert _ids(stores.devices.get(tenant, ["device-1"])) == []


def test_decision_to_leave_a_device_writes_nothing(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device())
    before = _stored(stores, tenant)
    assert stores.devices.update(tenant, "device-1", lambda _: None) == before
    assert _stored(stores, tenant).revision == before.revision


def test_lost_race_is_decided_again_on_what_the_winner_wrote(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device())
    seen: list[str | None] = []

    def decide(device: Device) -> Device:
        seen.append(device.model)
        if len(seen) == 1:
            stores.devices.update(tenant, "device-1", lambda other: replace(other, model="Pixel 8"))
        return replace(device, app_version="4.0")

    answer = stores.devices.update(tenant, "device-1", decide)
    stored = _stored(stores, tenant)
    assert seen == [None, "Pixel 8"]
    assert (stored.model, stored.app_version) == ("Pixel 8", "4.0")
    assert answer == replace(stored, updated_at=answer.updated_at if answer else None)


def test_update_that_loses_every_race_is_unavailable_and_stores_nothing_of_its_own(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device())

    def decide(device: Device) -> Device:
        stores.devices.update(tenant, "device-1", lambda other: replace(other, model=f"{other.model}+"))
        return replace(device, app_version="4.0")

    with pytest.raises(Unavailable):
        stores.devices.update(tenant, "device-1", decide)
    assert _stored(stores, tenant).app_version is None


def test_save_after_another_write_is_refused(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device())
    read = _stored(stores, tenant)
    stores.devices.update(tenant, "device-1", lambda device: replace(device, model="Pixel 8"))
    assert not stores.devices.save(tenant, [RegistrationPlan(replace(read, app_version="4.0"), read)])
    assert (_stored(stores, tenant).model, _stored(stores, tenant).app_version) == ("Pixel 8", None)


def test_save_stores_all_or_nothing(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="taken"))
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device(id="new")), RegistrationPlan(a_device(id="taken", target=a_token("other")))])
    assert _ids(stores.devices.list(tenant, UNFILTERED, 10, None).items) == ["taken"]
    assert stores.devices.save(tenant, [RegistrationPlan(a_device(id="new"))])


def test_save_of_a_device_that_is_not_stored_any_more_is_refused(stores: Stores, tenant: str, other_tenant: str) -> None:
    _save(stores, other_tenant, a_device())
    read = _stored(stores, other_tenant)
    assert not stores.devices.save(tenant, [RegistrationPlan(read, read)])
    assert _ids(stores.devices.get(tenant, ["device-1"])) == []


# Updates of many


def _mark(device: Device) -> Device | None:
    return replace(device, model="Pixel 8") if device.model is None else None


def test_decision_is_applied_to_each_known_device(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"), a_device(id="c"), a_device(id="left", model="iPhone 15"))
    stores.devices.update_many(tenant, ["a", "nobody", "left", "b"], _mark)
    devices = stores.devices.get(tenant, ["a", "b", "c", "left", "nobody"])
    assert [device.model for device in devices] == ["Pixel 8", "Pixel 8", None, "iPhone 15"]


def test_device_named_twice_is_decided_on_what_the_first_decision_left(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a", app_version="1"), a_device(id="b", app_version="2"))
    stores.devices.update_many(tenant, ["a", "b", "a"], _mark)
    assert [device.model for device in stores.devices.get(tenant, ["a", "b"])] == ["Pixel 8", "Pixel 8"]


def test_nothing_to_change_is_no_error(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(model="iPhone 15"))
    stores.devices.update_many(tenant, [], _mark)
    stores.devices.update_many(tenant, ["device-1", "nobody"], _mark)
    assert _stored(stores, tenant).model == "iPhone 15"


def test_one_contested_device_of_many_keeps_both_changes(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="contested"))
    seen: list[str] = []

    def decide(device: Device) -> Device | None:
        seen.append(device.id)
        if seen.count("contested") == 1 and device.id == "contested":
            stores.devices.update(tenant, "contested", lambda other: replace(other, app_version="4.0"))
        return _mark(device)

    stores.devices.update_many(tenant, ["a", "contested"], decide)
    devices = stores.devices.get(tenant, ["a", "contested"])
    assert [(device.model, device.app_version) for device in devices] == [("Pixel 8", None), ("Pixel 8", "4.0")]


# Lists


def test_list_is_in_the_order_of_ids_and_stable_while_rows_are_inserted(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, *(a_device(id=device_id) for device_id in ("d", "B", "a", "-c", "1")))
    first = stores.devices.list(tenant, UNFILTERED, 2, None)
    assert _ids(first.items) == ["-c", "1"]
    _save(stores, tenant, *(a_device(id=device_id) for device_id in ("0", "A", "z")))
    second = stores.devices.list(tenant, UNFILTERED, 3, first.next_after)
    assert _ids(second.items) == ["A", "B", "a"]
    third = stores.devices.list(tenant, UNFILTERED, 3, second.next_after)
    assert (_ids(third.items), third.next_after) == (["d", "z"], None)


def test_full_last_page_says_that_it_is_the_last(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"))
    assert stores.devices.list(tenant, UNFILTERED, 2, None).next_after is None


def test_deleted_device_is_found_by_id_and_in_no_list(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="deleted"), a_device(id="retired"))
    stores.devices.update(tenant, "deleted", lambda device: deactivate(device, InactiveReason.DELETED, NOW))
    stores.devices.update(tenant, "retired", lambda device: deactivate(device, InactiveReason.UNREGISTERED, NOW))
    assert _ids(stores.devices.list(tenant, UNFILTERED, 10, None).items) == ["retired"]
    assert _ids(stores.devices.list(tenant, DeviceFilter(active=False), 10, None).items) == ["retired"]
    assert _stored(stores, tenant, "deleted").inactive_reason is InactiveReason.DELETED


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (UNFILTERED, ["android", "inactive", "ios", "shared"]),
        (DeviceFilter(profile_id="p1"), ["android", "inactive", "shared"]),
        (DeviceFilter(profile_id="p2"), ["ios", "shared"]),
        (DeviceFilter(profile_id="nobody"), []),
        (DeviceFilter(platform=Platform.IOS), ["ios"]),
        (DeviceFilter(active=True), ["android", "ios", "shared"]),
        (DeviceFilter(active=False), ["inactive"]),
        (DeviceFilter(device_id="phone"), ["android", "ios"]),
        (DeviceFilter(profile_id="p1", device_id="phone"), ["android"]),
        (DeviceFilter(platform=Platform.ANDROID, active=True), ["android", "shared"]),
        (DeviceFilter(profile_id="p2", platform=Platform.ANDROID, active=True), ["shared"]),
        (DeviceFilter(profile_id="p1", platform=Platform.ANDROID, active=True, device_id="phone"), ["android"]),
        (DeviceFilter(profile_id="p1", platform=Platform.ANDROID, active=False, device_id="phone"), []),
    ],
)
def test_filters_are_met_together(stores: Stores, tenant: str, filters: DeviceFilter, expected: list[str]) -> None:
    p1, p2 = an_owner("p1"), an_owner("p2")
    _save(
        stores,
        tenant,
        a_device(id="android", owners=(p1,), device_id="phone"),
        a_device(id="inactive", owners=(p1,), active=False, inactive_reason=InactiveReason.DEACTIVATED),
        a_device(id="ios", owners=(p2,), platform=Platform.IOS, device_id="phone"),
        a_device(id="shared", owners=(p1, p2)),
    )
    assert _ids(stores.devices.list(tenant, filters, 10, None).items) == expected


def test_filtered_list_goes_on_after_its_own_last_row(stores: Stores, tenant: str) -> None:
    platforms = [Platform.IOS if number % 2 else Platform.ANDROID for number in range(6)]
    _save(stores, tenant, *(a_device(id=f"d{number}", platform=platform) for number, platform in enumerate(platforms)))
    first = stores.devices.list(tenant, DeviceFilter(platform=Platform.IOS), 2, None)
    second = stores.devices.list(tenant, DeviceFilter(platform=Platform.IOS), 2, first.next_after)
    assert (_ids(first.items), _ids(second.items), second.next_after) == (["d1", "d3"], ["d5"], None)


# The active devices of named profiles


@pytest.mark.parametrize("address", [Address(AddressKind.PROFILE, "p1"), Address(AddressKind.USERNAME, "user-of-p1")])
def test_active_devices_are_found_by_each_name_of_their_profile(stores: Stores, tenant: str, address: Address) -> None:
    p1, p2 = _create_owner(stores, tenant, "p1"), _create_owner(stores, tenant, "p2")
    _save(
        stores,
        tenant,
        a_device(id="mine", owners=(p1,)),
        a_device(id="shared", owners=(p2, p1)),
        a_device(id="another's", owners=(p2,)),
        a_device(id="inactive", owners=(p1,), active=False, inactive_reason=InactiveReason.UNREGISTERED),
    )
    assert sorted(_ids(stores.devices.find_active(tenant, [address], 10))) == ["mine", "shared"]


def test_device_of_two_named_profiles_is_found_once(stores: Stores, tenant: str) -> None:
    owners = [_create_owner(stores, tenant, f"p{number}") for number in range(40)]
    _save(stores, tenant, a_device(owners=(owners[0], owners[39])))
    addresses = [_username(owner.profile_id) for owner in owners]
    assert _ids(stores.devices.find_active(tenant, [*addresses, addresses[0]], 10)) == ["device-1"]


def test_nobody_named_is_nobody_found(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device())
    assert _ids(stores.devices.find_active(tenant, [], 10)) == []
    assert _ids(stores.devices.find_active(tenant, [_username("nobody")], 10)) == []


@pytest.mark.parametrize(("limit", "expected"), [(100, 65), (65, 65), (64, 64), (31, 31), (1, 1)])
def test_more_addresses_than_one_query_takes_are_all_looked_up_and_the_limit_is_for_all(
    stores: Stores, tenant: str, limit: int, expected: int
) -> None:
    owners = [_create_owner(stores, tenant, f"p{number}") for number in range(65)]
    _save(stores, tenant, *(a_device(id=f"d{owner.profile_id}", owners=(owner,)) for owner in owners))
    found = _ids(stores.devices.find_active(tenant, [_username(owner.profile_id) for owner in owners], limit))
    assert len(found) == len(set(found)) == expected


# Whose the active devices are


def test_active_devices_are_found_with_whom_they_were_found_by(stores: Stores, tenant: str, other_tenant: str) -> None:
    p1, p2, p3 = (_create_owner(stores, tenant, name) for name in ("p1", "p2", "p3"))
    _save(stores, tenant, a_device(id="mine", owners=(p1,)), a_device(id="shared", owners=(p2, p1)), a_device(id="another's", owners=(p3,)))
    _save(stores, tenant, a_device(id="inactive", owners=(p2,), active=False, inactive_reason=InactiveReason.UNREGISTERED))
    names = [_username("p2"), Address(AddressKind.PROFILE, "p1"), _username("nobody")]
    found = stores.devices.find_addressed(tenant, names, 10)
    assert {address: sorted(_ids(devices)) for address, devices in found.items()} == {names[0]: ["shared"], names[1]: ["mine", "shared"]}
    assert stores.devices.find_addressed(other_tenant, names, 10) == {}
    assert stores.devices.find_addressed(tenant, [], 10) == {}


@pytest.mark.parametrize(("limit", "expected"), [(200, 131), (131, 131), (130, 130), (1, 1)])
def test_devices_of_more_people_than_four_queries_name_are_found_up_to_the_limit(stores: Stores, tenant: str, limit: int, expected: int) -> None:
    owners = [_create_owner(stores, tenant, f"p{number}") for number in range(131)]
    _save(stores, tenant, *(a_device(id=f"d{owner.profile_id}", owners=(owner,)) for owner in owners))
    found = stores.devices.find_addressed(tenant, [_username(owner.profile_id) for owner in owners], limit)
    assert sum(len(devices) for devices in found.values()) == expected
    assert all(_ids(devices) == [f"dp{address.value.removeprefix('user-of-p')}"] for address, devices in found.items())
