"""What every device store does with targets and installs: each belongs to one device, also when two calls want it at once."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.message import TargetKind
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Details, Known, Registration, RegistrationPlan, deactivate, plan_registration
from fanfare.domain.target import Target
from fanfare.services.register_devices import register_device, register_devices
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_call, a_device, a_profile, a_registration, a_token, an_owner
from tests.fakes import fake_deps

T1, T2, T3 = a_token("t1"), a_token("t2"), a_token("t3")
P1, P2 = a_profile(id="p1"), a_profile(id="p2")


def _registration(target: Target, install: str | None = None, *, shared: bool = False) -> Registration:
    return a_registration(target=target, details=Details(device_id=install), shared=shared)


def _known(stores: Stores, tenant: str, target: Target, install: str | None = None, profile: Profile = P1) -> Known:
    return stores.devices.find_known(tenant, [(_registration(target, install), profile)])[0]


def _plan(stores: Stores, tenant: str, registration: Registration, profile: Profile, new_id: str) -> RegistrationPlan:
    known = stores.devices.find_known(tenant, [(registration, profile)])[0]
    return plan_registration(registration, profile, known, now=NOW, new_id=new_id)


def _register(stores: Stores, tenant: str, new_id: str, target: Target, install: str | None = None, *, profile: Profile = P1) -> Device:
    plan = _plan(stores, tenant, _registration(target, install), profile, new_id)
    assert stores.devices.save(tenant, [plan])
    return plan.device


def _ids(known: Known) -> tuple[str | None, str | None]:
    by_target, by_install = known.by_target, known.by_install
    return by_target.id if by_target else None, by_install.id if by_install else None


def _count(stores: Stores, tenant: str) -> int:
    return len(stores.devices.list(tenant, DeviceFilter(), 100, None).items)


def test_nothing_is_known_of_a_new_target_and_install(stores: Stores, tenant: str) -> None:
    assert _ids(_known(stores, tenant, T1, "phone")) == (None, None)


def test_saved_device_is_known_by_its_target_and_by_its_install(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    known = _known(stores, tenant, T1, "phone")
    assert _ids(known) == ("d1", "d1")
    assert known.by_target == stores.devices.get(tenant, ["d1"])[0]


def test_what_is_known_comes_in_the_order_of_the_registrations(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    _register(stores, tenant, "d2", T2, "tablet")
    asked = [(_registration(T3), P1), (_registration(T2, "phone"), P1), (_registration(T1), P2), (_registration(T1, "tablet"), P1)]
    assert [_ids(known) for known in stores.devices.find_known(tenant, asked)] == [(None, None), ("d2", "d1"), ("d1", None), ("d1", "d2")]


def test_token_and_fid_of_one_value_are_one_target(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1)
    assert _ids(_known(stores, tenant, T1._replace(kind=TargetKind.FID))) == ("d1", None)


def test_target_and_install_of_another_tenant_are_not_known(stores: Stores, tenant: str, other_tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    assert _ids(_known(stores, other_tenant, T1, "phone")) == (None, None)
    _register(stores, other_tenant, "d1", T1, "phone")
    assert (_count(stores, tenant), _count(stores, other_tenant)) == (1, 1)


def test_install_belongs_to_its_profile(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone", profile=P1)
    assert _ids(_known(stores, tenant, T2, "phone", P2)) == (None, None)
    _register(stores, tenant, "d2", T2, "phone", profile=P2)
    assert _ids(_known(stores, tenant, T1, "phone", P1)) == ("d1", "d1")


def test_shared_device_is_known_by_its_install_in_both_profiles(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone", profile=P1)
    assert stores.devices.save(tenant, [_plan(stores, tenant, _registration(T1, "phone", shared=True), P2, "new")])
    assert _ids(_known(stores, tenant, T3, "phone", P1)) == (None, "d1")
    assert _ids(_known(stores, tenant, T3, "phone", P2)) == (None, "d1")


def test_install_that_is_left_to_others_passes_to_the_new_device(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone", profile=P1)
    assert stores.devices.save(tenant, [_plan(stores, tenant, _registration(T1, "phone", shared=True), P2, "new")])
    registration = _registration(T2, "phone")
    known = stores.devices.find_known(tenant, [(registration, P2)])[0]
    assert stores.devices.save(tenant, [plan_registration(registration, P2, known, now=NOW, new_id="d2", leave_shared=True)])
    assert _ids(_known(stores, tenant, T1, "phone", P1)) == ("d1", "d1")
    assert _ids(_known(stores, tenant, T2, "phone", P2)) == ("d2", "d2")
    assert [device.profile_ids for device in stores.devices.get(tenant, ["d1", "d2"])] == [("p1",), ("p2",)]


def test_moved_device_leaves_its_install_in_the_old_profile_free(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone", profile=P1)
    _register(stores, tenant, "unused", T1, "phone", profile=P2)
    assert _ids(_known(stores, tenant, T2, "phone", P1)) == (None, None)
    assert _ids(_known(stores, tenant, T2, "phone", P2)) == (None, "d1")


def test_deleted_device_is_known_and_keeps_its_target(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    stores.devices.update(tenant, "d1", lambda device: deactivate(device, InactiveReason.DELETED, NOW))
    assert _ids(_known(stores, tenant, T1, "phone")) == ("d1", "d1")
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device(id="d2", target=T1))])


def test_second_device_of_one_target_is_refused(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1)
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device(id="d2", target=T1))])
    assert stores.devices.get(tenant, ["d2"]) == []


def test_second_device_of_one_install_is_refused(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone", profile=P1)
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device(id="d2", target=T2, owners=(an_owner("p1"),), device_id="phone"))])
    assert stores.devices.save(tenant, [RegistrationPlan(a_device(id="d2", target=T2, owners=(an_owner("p2"),), device_id="phone"))])


def test_replaced_target_is_free_and_the_new_one_is_taken(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    _register(stores, tenant, "unused", T2, "phone")
    assert stores.devices.get(tenant, ["d1"])[0].target == T2
    assert _ids(_known(stores, tenant, T1)) == (None, None)
    assert not stores.devices.save(tenant, [RegistrationPlan(a_device(id="d2", target=T2))])
    assert stores.devices.save(tenant, [RegistrationPlan(a_device(id="d2", target=T1))])


def test_change_to_a_target_that_another_device_has_is_refused(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1)
    _register(stores, tenant, "d2", T2)
    before = stores.devices.get(tenant, ["d2"])[0]
    assert not stores.devices.save(tenant, [RegistrationPlan(replace(before, target=T1), before)])
    assert stores.devices.get(tenant, ["d2"])[0] == before
    assert _ids(_known(stores, tenant, T1)) == ("d1", None)
    assert _ids(_known(stores, tenant, T2)) == ("d2", None)


def test_displaced_device_loses_its_install_and_keeps_its_target(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    _register(stores, tenant, "d2", T2)
    _register(stores, tenant, "unused", T2, "phone")
    displaced, holder = stores.devices.get(tenant, ["d1", "d2"])
    assert (displaced.active, displaced.inactive_reason, displaced.device_id) == (False, InactiveReason.REPLACED, None)
    assert (holder.active, holder.device_id, holder.target) == (True, "phone", T2)
    assert _ids(_known(stores, tenant, T1, "phone")) == ("d1", "d2")


def test_displaced_device_takes_its_install_back_when_it_registers_again(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    _register(stores, tenant, "d2", T2)
    _register(stores, tenant, "unused", T2, "phone")
    _register(stores, tenant, "unused", T1, "phone")
    again, displaced = stores.devices.get(tenant, ["d1", "d2"])
    assert (again.active, again.device_id) == (True, "phone")
    assert (displaced.inactive_reason, displaced.device_id) == (InactiveReason.REPLACED, None)
    assert _ids(_known(stores, tenant, T2, "phone")) == ("d2", "d1")


def test_displacing_a_device_that_changed_meanwhile_is_refused(stores: Stores, tenant: str) -> None:
    _register(stores, tenant, "d1", T1, "phone")
    _register(stores, tenant, "d2", T2)
    plan = _plan(stores, tenant, _registration(T2, "phone"), P1, "unused")
    stores.devices.update(tenant, "d1", lambda device: replace(device, model="Pixel 8"))
    assert not stores.devices.save(tenant, [plan])
    assert _ids(_known(stores, tenant, T2, "phone")) == ("d2", "d1")
    assert stores.devices.get(tenant, ["d1"])[0].active


# Plans of one commit that get into each other's way


def test_two_plans_for_one_device_are_refused_together(stores: Stores, tenant: str) -> None:
    """One gives the device a new target, the other knows it by its old one: stored together, the later one would undo half of the earlier one."""
    _register(stores, tenant, "d1", T1, "phone")
    plans = [_plan(stores, tenant, registration, P1, "new") for registration in (_registration(T2, "phone"), _registration(T1, "tablet"))]
    assert not stores.devices.save(tenant, plans)
    assert _ids(_known(stores, tenant, T1, "phone")) == ("d1", "d1")


def test_two_plans_for_one_new_install_are_refused_together(stores: Stores, tenant: str) -> None:
    plans = [_plan(stores, tenant, _registration(target, "phone"), P1, new_id) for target, new_id in ((T1, "d1"), (T2, "d2"))]
    assert not stores.devices.save(tenant, plans)
    assert _count(stores, tenant) == 0


def test_bulk_registrations_in_each_others_way_end_as_if_they_had_come_one_by_one(stores: Stores, tenant: str) -> None:
    deps = fake_deps(devices=stores.devices, profiles=stores.profiles)
    person, _ = stores.profiles.create(tenant, P1)
    by_id, by_name = Address(AddressKind.PROFILE, person.id), Address(AddressKind.USERNAME, "user-of-p1")
    register_devices(deps, a_call(tenant=tenant), [a_registration(target=T1, profile=by_id, details=Details(device_id="phone"))])
    bulk = [
        a_registration(target=T2, profile=by_id, details=Details(device_id="phone")),
        a_registration(target=T1, profile=by_name, details=Details(device_id="tablet")),
        a_registration(target=T3, profile=by_name, details=Details(device_id="phone")),
    ]
    register_devices(deps, a_call(tenant=tenant), bulk)
    devices = stores.devices.list(tenant, DeviceFilter(), 10, None).items
    assert sorted((device.target.value, device.device_id) for device in devices) == [(T1.value, "tablet"), (T3.value, "phone")]
    for device in devices:
        assert _ids(_known(stores, tenant, device.target, device.device_id, person)) == (device.id, device.id)
    assert _ids(_known(stores, tenant, T2, None, person)) == (None, None)


# Races


def test_two_simultaneous_registrations_of_one_target_make_one_device(stores: Stores, tenant: str) -> None:
    deps = fake_deps(devices=stores.devices, profiles=stores.profiles)
    registered = race([lambda: register_device(deps, a_call(tenant=tenant), a_registration(target=T1))] * 4)
    assert [outcome.created for outcome in registered].count(True) == 1
    assert len({outcome.device.id for outcome in registered}) == 1
    assert _count(stores, tenant) == 1


def test_two_simultaneous_registrations_of_one_install_make_one_device(stores: Stores, tenant: str) -> None:
    deps = fake_deps(devices=stores.devices, profiles=stores.profiles)
    targets = (T1, T2, T3)
    race([lambda target=target: register_device(deps, a_call(tenant=tenant), _registration(target, "phone")) for target in targets])
    devices = stores.devices.list(tenant, DeviceFilter(), 10, None).items
    assert [device.device_id for device in devices] == ["phone"]
    free = [target for target in targets if target != devices[0].target]
    assert [_ids(_known(stores, tenant, target)) for target in free] == [(None, None)] * 2


def test_of_two_simultaneous_saves_of_one_target_one_is_stored(stores: Stores, tenant: str) -> None:
    plans = [[RegistrationPlan(a_device(id=f"d{number}", target=T1))] for number in range(4)]
    assert race([lambda plan=plan: stores.devices.save(tenant, plan) for plan in plans]).count(True) == 1
    assert _count(stores, tenant) == 1


def test_batches_are_stored_each_by_itself(stores: Stores, tenant: str) -> None:
    taken = a_device(id="first")
    assert stores.devices.save(tenant, [RegistrationPlan(taken)])
    batches = [[RegistrationPlan(a_device(id=name))] for name in ("a", "b", "c", "d", "e")]
    batches[2].append(RegistrationPlan(a_device(id="rival", target=taken.target)))
    assert stores.devices.save_all(tenant, [(plans, None) for plans in batches]) == [True, True, False, True, True]
    assert [device.id for device in stores.devices.get(tenant, ["a", "b", "c", "d", "e", "rival"])] == ["a", "b", "d", "e"]
    assert stores.devices.save_all(tenant, []) == []
