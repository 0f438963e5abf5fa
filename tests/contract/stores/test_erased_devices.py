"""What every device store does with devices that are erased: nothing finds them, and what they held is free."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.device import Device, InactiveReason, Owner
from fanfare.domain.filters import AuditFilter, DeviceFilter
from fanfare.domain.registration import Details, RegistrationPlan, deactivate
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_profile, a_registration, a_token

ENTRY = AuditEntry("device.erased", Actor(ActorKind.CLIENT, "client-1"), NOW)
USERNAME = Address(AddressKind.USERNAME, "user-of-p1")


def _save(stores: Stores, tenant: str, *devices: Device) -> None:
    assert stores.devices.save(tenant, [RegistrationPlan(device) for device in devices])


def _install(stores: Stores, tenant: str, device_id: str = "device-1") -> Device:
    """A device of p1 with a name of the app's own, stored."""
    profile, _ = stores.profiles.create(tenant, a_profile(id="p1"))
    device = a_device(id=device_id, owners=(Owner(profile.id, profile.username, profile.addresses, f"install-{device_id}"),))
    _save(stores, tenant, device)
    return stores.devices.get(tenant, [device_id])[0]


def _told(stores: Stores, tenant: str) -> list[list[str]]:
    return sorted(sorted(row.entry.resource_ids) for row in stores.audit.list(tenant, AuditFilter(), 10, None).items)


def test_erased_device_is_found_by_nothing(stores: Stores, tenant: str) -> None:
    device = _install(stores, tenant)
    assert stores.devices.erase(tenant, ["device-1"]) == 1
    assert list(stores.devices.get(tenant, ["device-1"])) == []
    assert stores.devices.find_by_target(tenant, device.target) is None
    assert list(stores.devices.find_active(tenant, [USERNAME, Address(AddressKind.PROFILE, "p1")], 10)) == []
    assert list(stores.devices.find_purgeable(tenant, NOW, 10)) == []
    assert list(stores.devices.list(tenant, DeviceFilter(), 10, None).items) == []
    assert list(stores.devices.list_of_profile(tenant, "p1", 10, None).items) == []


def test_softly_deleted_device_is_erased_too(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, deactivate(a_device(), InactiveReason.DELETED, NOW))
    assert stores.devices.erase(tenant, ["device-1"]) == 1
    assert stores.devices.find_by_target(tenant, a_device().target) is None


def test_target_and_install_of_an_erased_device_are_free(stores: Stores, tenant: str) -> None:
    device = _install(stores, tenant)
    stores.devices.erase(tenant, ["device-1"])
    asked = (a_registration(target=device.target, details=Details(device_id="install-device-1")), a_profile(id="p1"))
    (known,) = stores.devices.find_known(tenant, [asked])
    assert (known.by_target, known.by_install) == (None, None)
    _save(stores, tenant, replace(device, id="device-2"))


def test_erased_device_can_not_be_changed_nor_its_id_be_taken_again(stores: Stores, tenant: str) -> None:
    device = _install(stores, tenant)
    stores.devices.erase(tenant, ["device-1"])
    assert stores.devices.update(tenant, "device-1", lambda found: replace(found, model="x")) is None
    assert list(stores.devices.update_many(tenant, ["device-1"], lambda found: replace(found, model="x"))) == []
    assert not stores.devices.save(tenant, [RegistrationPlan(replace(device, model="x"), device)])
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device(id="device-1", target=a_token("new")))])
    assert list(stores.devices.get(tenant, ["device-1"])) == []


def test_erasing_counts_tombstones_old_and_new_and_not_the_unknown(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"), a_device(id="c"))
    assert stores.devices.erase(tenant, []) == 0
    assert stores.devices.erase(tenant, ["nobody"]) == 0
    assert stores.devices.erase(tenant, ["a"]) == 1
    assert stores.devices.erase(tenant, ["a", "b", "nobody", "b"]) == 2
    assert [device.id for device in stores.devices.get(tenant, ["a", "b", "c"])] == ["c"]


def test_erasure_stays_within_its_tenant(stores: Stores, tenant: str, other_tenant: str) -> None:
    _save(stores, tenant, a_device())
    assert stores.devices.erase(other_tenant, ["device-1"]) == 0
    assert len(stores.devices.get(tenant, ["device-1"])) == 1


def test_entry_names_who_was_erased_now(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"), a_device(id="c"))
    stores.devices.erase(tenant, ["a"], ENTRY)
    stores.devices.erase(tenant, ["a", "b", "c"], ENTRY)
    stores.devices.erase(tenant, ["a", "b", "c"], ENTRY)
    assert _told(stores, tenant) == [["a"], ["b", "c"]]


def test_entry_that_names_something_itself_keeps_its_name(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"))
    stores.devices.erase(tenant, ["a"], replace(ENTRY, action="profile.erased", resource_ids=("p1",)))
    assert _told(stores, tenant) == [["p1"]]


@pytest.mark.parametrize("count", [99, 100, 101])
def test_more_devices_than_one_commit_takes_are_all_erased(stores: Stores, tenant: str, count: int) -> None:
    devices = [a_device(id=f"d{number:03}") for number in range(count)]
    for start in range(0, count, 50):
        _save(stores, tenant, *devices[start : start + 50])
    assert stores.devices.erase(tenant, [device.id for device in devices], ENTRY) == count
    assert list(stores.devices.list(tenant, DeviceFilter(), 200, None).items) == []
    assert sorted(device_id for ids in _told(stores, tenant) for device_id in ids) == [device.id for device in devices]


def test_change_that_is_decided_while_its_device_is_erased_is_lost(stores: Stores, tenant: str) -> None:
    _install(stores, tenant)

    def decide(device: Device) -> Device:
        stores.devices.erase(tenant, ["device-1"])
        return replace(device, model="Pixel 8")

    assert stores.devices.update(tenant, "device-1", decide) is None
    assert list(stores.devices.get(tenant, ["device-1"])) == []


def test_erasure_wins_against_writers_who_are_at_it(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device())

    def write() -> object:
        return stores.devices.update(tenant, "device-1", lambda device: replace(device, model="Pixel 8"))

    race([write, lambda: stores.devices.erase(tenant, ["device-1"]), write])
    assert list(stores.devices.get(tenant, ["device-1"])) == []


def test_device_that_is_spared_keeps_everything_and_is_not_counted(stores: Stores, tenant: str) -> None:
    _save(stores, tenant, a_device(id="a"), a_device(id="b"), a_device(id="c"))
    stores.devices.erase(tenant, ["c"])
    assert stores.devices.erase(tenant, ["a", "b", "c"], ENTRY, only_if=lambda device: device.id == "a") == 2
    assert [device.id for device in stores.devices.get(tenant, ["a", "b", "c"])] == ["b"]
    assert stores.devices.find_by_target(tenant, a_device(id="b").target) is not None
    assert _told(stores, tenant) == [["a"]]
    assert stores.devices.erase(tenant, ["b"], ENTRY, only_if=lambda _: False) == 0
    assert _told(stores, tenant) == [["a"]]
