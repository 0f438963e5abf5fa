from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.device import Device, InactiveReason, Retirement
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound
from fanfare.domain.filters import DeviceFilter, ProfileFilter
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.registration import Details
from fanfare.ports import Deps
from fanfare.services.devices import delete_device, find_device, get_device, update_device
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_token, an_owner
from tests.fakes import fake_deps
from tests.unit.services.contested import ContestedDeviceStore
from tests.unit.services.seeding import add_devices, add_profile, device_of, profile_id, stored_device, username


def _update(deps: Deps, device_id: str = "device-1", details: Details | None = None, **fields: Any) -> Device:
    return update_device(deps, a_call(), device_id, details or Details(), **{"target": None, "platform": None, "profile": None} | fields)


def _deps(**fields: Any) -> Deps:
    deps = fake_deps()
    add_devices(deps, a_device(**fields))
    return deps


def test_device_is_shown() -> None:
    deps = _deps()
    assert get_device(deps, TENANT_ID, "device-1") == stored_device(deps)


@pytest.mark.parametrize(("tenant", "device_id"), [(TENANT_ID, "nobody"), ("globex", "device-1")])
def test_unknown_device_and_another_tenants_are_not_found(tenant: str, device_id: str) -> None:
    deps = _deps()
    with pytest.raises(NotFound):
        get_device(deps, tenant, device_id)
    with pytest.raises(NotFound):
        update_device(deps, a_call(tenant=tenant), device_id, Details(), target=None, platform=None, profile=None)
    with pytest.raises(NotFound):
        delete_device(deps, a_call(tenant=tenant), device_id)


@pytest.mark.parametrize("kind", ["token", "fid"])
def test_device_is_found_by_its_target_under_either_name(kind: str) -> None:
    deps = _deps()
    assert find_device(deps, TENANT_ID, a_device().target._replace(kind=TargetKind(kind))) == stored_device(deps)


def test_target_of_nobody_of_another_tenant_and_of_a_deleted_device_is_not_found() -> None:
    deps = _deps()
    delete_device(deps, a_call(), "device-1")
    for tenant, target in ((TENANT_ID, a_token("unknown")), ("globex", a_device().target), (TENANT_ID, a_device().target)):
        with pytest.raises(NotFound):
            find_device(deps, tenant, target)


# Deleting


def test_deleted_device_is_not_found_and_keeps_its_target() -> None:
    deps = _deps()
    delete_device(deps, a_call(), "device-1")
    with pytest.raises(NotFound):
        get_device(deps, TENANT_ID, "device-1")
    with pytest.raises(NotFound):
        _update(deps, details=Details(model="Pixel 8"))
    device = stored_device(deps)
    assert (device.active, device.inactive_reason, device.target, device.model) == (False, InactiveReason.DELETED, a_device().target, None)


def test_second_deletion_changes_nothing() -> None:
    deps = _deps()
    delete_device(deps, a_call(), "device-1")
    before = stored_device(deps)
    delete_device(deps, a_call(), "device-1")
    assert stored_device(deps).revision == before.revision


def test_retired_device_can_be_deleted() -> None:
    deps = _deps(active=False, inactive_reason=InactiveReason.UNREGISTERED)
    delete_device(deps, a_call(), "device-1")
    assert deps.devices.list(TENANT_ID, DeviceFilter(), 10, None).items == []


def test_deletion_that_loses_every_race_is_a_conflict_and_deletes_nothing() -> None:
    devices = ContestedDeviceStore()
    deps = fake_deps(devices=devices)
    add_devices(deps, a_device())
    devices.rival, devices.races = (lambda: devices.update(TENANT_ID, "device-1", lambda device: replace(device, model=f"{device.model}+"))), 100
    with pytest.raises(Conflict):
        delete_device(deps, a_call(), "device-1")
    assert stored_device(deps).active


def test_deletion_is_dated_anew_for_cleanup() -> None:
    deps = _deps(active=False, inactive_reason=InactiveReason.UNREGISTERED, inactive_since=NOW - timedelta(days=400))
    delete_device(deps, a_call(), "device-1")
    assert stored_device(deps).inactive_since == NOW


# Changing


def test_what_is_said_is_changed_and_the_rest_stays() -> None:
    deps = _deps(model="Pixel 8", locale="en", tags=("beta",))
    answer = _update(deps, details=Details(locale="sw", tags=(), app_version="4.0"), platform=Platform.WEB)
    device = stored_device(deps)
    assert (device.model, device.locale, device.tags, device.app_version, device.platform) == ("Pixel 8", "sw", (), "4.0", Platform.WEB)
    assert answer == replace(device, updated_at=answer.updated_at)


def test_new_target_replaces_the_old_one_which_is_free_then() -> None:
    deps = _deps()
    _update(deps, target=a_token("new"))
    assert stored_device(deps).target == a_token("new")
    add_devices(deps, a_device(id="device-2", target=a_device().target))
    with pytest.raises(Conflict):
        _update(deps, "device-2", target=a_token("new"))


def test_target_of_another_device_is_a_conflict_and_changes_nothing() -> None:
    deps = _deps()
    add_devices(deps, a_device(id="device-2"))
    with pytest.raises(Conflict):
        _update(deps, target=a_token("device-2"), details=Details(locale="sw"))
    assert (stored_device(deps).target, stored_device(deps).locale) == (a_device().target, None)


def test_install_of_another_device_of_the_person_is_a_conflict() -> None:
    deps = _deps(device_id="phone")
    add_devices(deps, a_device(id="device-2"))
    with pytest.raises(Conflict):
        _update(deps, "device-2", details=Details(device_id="phone"))
    assert stored_device(deps, "device-2").device_id is None


def test_new_target_of_a_retired_device_lets_it_receive_again() -> None:
    deps = _deps(active=False, inactive_reason=InactiveReason.UNREGISTERED, retirement=Retirement("UNREGISTERED", NOW, "n"))
    answer = _update(deps, target=a_token("fresh"))
    device = stored_device(deps)
    assert (device.target, device.active, device.inactive_reason, device.retirement) == (a_token("fresh"), True, None, None)
    assert (answer.active, device.last_seen_at) == (True, NOW)


# Moving


def _two_people() -> Deps:
    deps = fake_deps()
    add_profile(deps, "p2")
    add_devices(deps, device_of(add_profile(deps, "p1"), device_id="phone"))
    return deps


@pytest.mark.parametrize("address", [profile_id("p2"), username("user-of-p2")])
def test_device_moves_to_another_person_without_the_old_ones_name_for_it(address: Any) -> None:
    deps = _two_people()
    _update(deps, profile=address)
    device = stored_device(deps)
    assert (device.profile_ids, device.device_id) == (("p2",), None)
    assert deps.devices.find_active(TENANT_ID, [username("user-of-p2")], 10) == [device]
    assert deps.devices.find_active(TENANT_ID, [username("user-of-p1")], 10) == []


def test_device_moves_with_the_name_that_is_given_for_it() -> None:
    deps = _two_people()
    _update(deps, profile=profile_id("p2"), details=Details(device_id="tablet"))
    assert (stored_device(deps).profile_ids, stored_device(deps).device_id) == (("p2",), "tablet")


def test_device_that_is_moved_to_its_own_person_stays_as_it_is() -> None:
    deps = _two_people()
    _update(deps, profile=profile_id("p1"))
    assert (stored_device(deps).profile_ids, stored_device(deps).device_id) == (("p1",), "phone")


def test_device_moves_to_a_person_who_is_made_for_it() -> None:
    deps = _two_people()
    _update(deps, profile=username("carol"))
    assert [owner.username for owner in stored_device(deps).owners] == ["carol"]
    assert [profile.username for profile in deps.profiles.list(TENANT_ID, ProfileFilter(username="carol"), 10, None).items] == ["carol"]


def test_unknown_profile_id_is_refused() -> None:
    deps = _two_people()
    with pytest.raises(InvalidRequest) as refused:
        _update(deps, profile=profile_id("nobody"))
    assert [error.field for error in refused.value.errors] == ["profile_id"]
    assert stored_device(deps).profile_ids == ("p1",)


def test_nobody_is_made_for_a_device_that_is_not_there() -> None:
    deps = _two_people()
    with pytest.raises(NotFound):
        _update(deps, "nobody", profile=username("carol"))
    assert deps.profiles.list(TENANT_ID, ProfileFilter(username="carol"), 10, None).items == []


def test_move_to_a_person_who_has_that_install_already_is_a_conflict() -> None:
    deps = _two_people()
    add_devices(deps, device_of(deps.profiles.find(TENANT_ID, [profile_id("p2")])[profile_id("p2")], id="device-2", device_id="phone"))
    with pytest.raises(Conflict):
        _update(deps, profile=profile_id("p2"), details=Details(device_id="phone"))
    assert stored_device(deps).profile_ids == ("p1",)


def test_device_that_waited_for_its_profile_receives_again_with_another_one() -> None:
    deps = fake_deps()
    add_profile(deps, "p2")
    waiting = replace(an_owner("p1"), addresses=(), suspended=True)
    add_devices(deps, a_device(owners=(waiting,), active=False, inactive_reason=InactiveReason.PROFILE_DELETED))
    assert _update(deps, profile=profile_id("p2")).active
    assert stored_device(deps).profile_ids == ("p2",)


# Other writers at work


def test_lost_race_is_decided_again_on_what_the_winner_wrote() -> None:
    devices = ContestedDeviceStore()
    deps = fake_deps(devices=devices)
    add_devices(deps, a_device())
    devices.rival = lambda: devices.update(TENANT_ID, "device-1", lambda device: replace(device, model=f"{device.model or ''}+"))
    devices.races = 2
    _update(deps, details=Details(locale="sw"))
    assert (stored_device(deps).locale, stored_device(deps).model) == ("sw", "++")
