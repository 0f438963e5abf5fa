from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.device import InactiveReason, Retirement
from fanfare.domain.errors import Conflict, FanfareError, InvalidRequest
from fanfare.domain.filters import DeviceFilter, ProfileFilter
from fanfare.domain.message import Platform
from fanfare.domain.registration import Details
from fanfare.ports import Deps
from fanfare.services.register_devices import COMMIT_SIZE, Registered, register_device, register_devices
from tests.factories import NOW, TENANT_ID, a_call, a_device, a_registration, a_token
from tests.fakes import fake_deps
from tests.unit.services.contested import ContestedDeviceStore
from tests.unit.services.seeding import add_devices, add_profile, device_of, profile_id, stored_device, username

T1, T2, T3 = a_token("t1"), a_token("t2"), a_token("t3")


def _registered(outcome: Registered | FanfareError) -> Registered:
    assert isinstance(outcome, Registered)
    return outcome


def _devices(deps: Deps) -> dict[str, str | None]:
    """The stored devices: target and the app's own device id."""
    return {device.target.value: device.device_id for device in deps.devices.list(TENANT_ID, DeviceFilter(), 2_000, None).items}


def test_new_device_is_stored_for_the_person_that_it_names() -> None:
    deps = fake_deps()
    outcome = register_device(deps, a_call(), a_registration(target=T1, platform=Platform.IOS, details=Details(locale="sw-TZ", tags=("beta",))))
    device = stored_device(deps, outcome.device.id)
    assert outcome.created
    assert (device.target, device.platform, device.locale, device.tags) == (T1, Platform.IOS, "sw-TZ", ("beta",))
    assert [owner.username for owner in device.owners] == ["user-of-profile-1"]
    assert (device.created_at, device.last_seen_at, device.active) == (NOW, NOW, True)


def test_known_target_is_refreshed_and_not_registered_twice() -> None:
    deps = fake_deps()
    first = register_device(deps, a_call(), a_registration(target=T1, details=Details(model="Pixel 8", locale="en")))
    again = register_device(deps, a_call(), a_registration(target=T1, details=Details(locale="sw")))
    assert (again.created, again.device.id) == (False, first.device.id)
    assert (stored_device(deps, first.device.id).model, stored_device(deps, first.device.id).locale) == ("Pixel 8", "sw")


@pytest.mark.parametrize("reason", list(InactiveReason))
def test_inactive_device_revives_when_its_target_registers_again(reason: InactiveReason) -> None:
    deps = fake_deps()
    add_devices(deps, a_device(target=T1, active=False, inactive_reason=reason, retirement=Retirement("UNREGISTERED", NOW, "n")))
    assert not register_device(deps, a_call(), a_registration(target=T1)).created
    device = stored_device(deps)
    assert (device.active, device.inactive_reason, device.retirement) == (True, None, None)


@pytest.mark.parametrize(("shared", "owners"), [(False, ["p2"]), (True, ["p1", "p2"])])
def test_known_target_of_another_person_moves_there_or_is_shared(*, shared: bool, owners: list[str]) -> None:
    deps = fake_deps()
    p1, _ = add_profile(deps, "p1"), add_profile(deps, "p2")
    add_devices(deps, device_of(p1, target=T1, device_id="phone"))
    register_device(deps, a_call(), a_registration(target=T1, profile=profile_id("p2"), shared=shared))
    device = stored_device(deps)
    assert list(device.profile_ids) == owners
    assert device.device_id == ("phone" if shared else None)


def test_refreshed_token_of_an_install_replaces_the_old_one() -> None:
    deps = fake_deps()
    first = register_device(deps, a_call(), a_registration(target=T1, details=Details(device_id="phone")))
    again = register_device(deps, a_call(), a_registration(target=T2, details=Details(device_id="phone")))
    assert (again.created, again.device.id) == (False, first.device.id)
    assert _devices(deps) == {T2.value: "phone"}


def test_device_that_lost_its_install_is_deactivated() -> None:
    deps = fake_deps()
    old = register_device(deps, a_call(), a_registration(target=T1, details=Details(device_id="phone"))).device.id
    register_device(deps, a_call(), a_registration(target=T2))
    register_device(deps, a_call(), a_registration(target=T2, details=Details(device_id="phone")))
    assert _devices(deps) == {T1.value: None, T2.value: "phone"}
    assert stored_device(deps, old).inactive_reason is InactiveReason.REPLACED


def test_unknown_profile_id_is_refused_and_nobody_is_made() -> None:
    deps = fake_deps()
    with pytest.raises(InvalidRequest) as refused:
        register_device(deps, a_call(), a_registration(profile=profile_id("nobody")))
    assert [error.field for error in refused.value.errors] == ["profile_id"]
    assert _devices(deps) == {}
    assert deps.profiles.list(TENANT_ID, ProfileFilter(), 10, None).items == []


# Many at once


def test_nothing_to_register_is_no_error() -> None:
    assert register_devices(fake_deps(), a_call(), []) == []


def test_outcomes_come_in_the_order_of_the_registrations() -> None:
    deps = fake_deps()
    register_device(deps, a_call(), a_registration(target=T2))
    registrations = [a_registration(target=T1), a_registration(target=T2), a_registration(target=T3, profile=profile_id("nobody"))]
    new, known, refused = register_devices(deps, a_call(), registrations)
    assert (_registered(new).device.target, _registered(new).created) == (T1, True)
    assert (_registered(known).device.target, _registered(known).created) == (T2, False)
    assert isinstance(refused, InvalidRequest)
    assert set(_devices(deps)) == {T1.value, T2.value}


def test_only_unknown_profiles_register_nothing() -> None:
    deps = fake_deps()
    outcomes = register_devices(deps, a_call(), [a_registration(target=target, profile=profile_id("nobody")) for target in (T1, T2)])
    assert [type(outcome) for outcome in outcomes] == [InvalidRequest, InvalidRequest]
    assert _devices(deps) == {}


def test_one_target_many_times_in_one_call_is_one_device_as_it_was_said_last() -> None:
    deps = fake_deps()
    said = [a_registration(target=T1, details=Details(locale=locale)) for locale in ("en", "sw", "de")]
    outcomes = [_registered(outcome) for outcome in register_devices(deps, a_call(), [said[0], a_registration(target=T2), *said[1:]])]
    assert [outcome.created for outcome in outcomes] == [True, True, False, False]
    assert len({outcome.device.id for outcome in outcomes}) == 2
    assert stored_device(deps, outcomes[0].device.id).locale == "de"


def test_one_install_many_times_in_one_call_is_one_device_with_the_last_target() -> None:
    deps = fake_deps()
    add_profile(deps)
    names = (username("user-of-profile-1"), profile_id("profile-1"), username("user-of-profile-1"))
    said = [a_registration(target=target, profile=name, details=Details(device_id="phone")) for target, name in zip((T1, T2, T3), names, strict=True)]
    assert [_registered(outcome).created for outcome in register_devices(deps, a_call(), said)] == [True, False, False]
    assert _devices(deps) == {T3.value: "phone"}


def test_one_install_name_of_two_people_is_two_devices() -> None:
    deps = fake_deps()
    said = [a_registration(target=target, profile=username(target.value), details=Details(device_id="phone")) for target in (T1, T2)]
    assert [_registered(outcome).created for outcome in register_devices(deps, a_call(), said)] == [True, True]
    assert _devices(deps) == {T1.value: "phone", T2.value: "phone"}


def test_more_devices_than_one_commit_takes_are_all_stored() -> None:
    devices = ContestedDeviceStore()
    deps = fake_deps(devices=devices)
    outcomes = register_devices(deps, a_call(), [a_registration(target=a_token(str(number))) for number in range(2 * COMMIT_SIZE + 1)])
    assert all(_registered(outcome).created for outcome in outcomes)
    assert len(_devices(deps)) == 2 * COMMIT_SIZE + 1
    assert devices.saved == [COMMIT_SIZE, COMMIT_SIZE, 1]


# Other writers at work


def _contested(races: int) -> tuple[Deps, ContestedDeviceStore]:
    """T1 is registered, and a rival changes its device before each of the next saves."""
    devices = ContestedDeviceStore()
    deps = fake_deps(devices=devices)
    device_id = register_device(deps, a_call(), a_registration(target=T1)).device.id
    devices.rival = lambda: devices.update(TENANT_ID, device_id, lambda device: replace(device, model=f"{device.model or ''}+"))
    devices.races = races
    return deps, devices


def test_lost_race_is_planned_again_on_what_the_winner_wrote() -> None:
    deps, _ = _contested(races=2)
    outcome = register_device(deps, a_call(), a_registration(target=T1, details=Details(locale="sw")))
    device = stored_device(deps, outcome.device.id)
    assert (outcome.created, device.locale, device.model) == (False, "sw", "++")


def test_registration_that_loses_every_race_is_a_conflict() -> None:
    deps, _ = _contested(races=100)
    with pytest.raises(Conflict):
        register_device(deps, a_call(), a_registration(target=T1, details=Details(locale="sw")))
    assert [device.locale for device in deps.devices.list(TENANT_ID, DeviceFilter(), 10, None).items] == [None]


def test_one_contested_device_does_not_keep_the_others_from_being_stored() -> None:
    deps, devices = _contested(races=100)
    targets = (T2, T1, T3)
    outcomes = register_devices(deps, a_call(), [a_registration(target=target, details=Details(locale="sw")) for target in targets])
    assert [type(outcome) for outcome in outcomes] == [Registered, Conflict, Registered]
    assert {device.target: device.locale for device in devices.list(TENANT_ID, DeviceFilter(), 10, None).items} == {T1: None, T2: "sw", T3: "sw"}


def test_two_registrations_in_each_others_way_end_as_if_they_had_come_one_by_one() -> None:
    deps = fake_deps()
    register_device(deps, a_call(), a_registration(target=T1, details=Details(device_id="phone")))
    said = [a_registration(target=T2, details=Details(device_id="phone")), a_registration(target=T1, details=Details(device_id="tablet"))]
    assert [_registered(outcome).created for outcome in register_devices(deps, a_call(), said)] == [False, True]
    assert _devices(deps) == {T2.value: "phone", T1.value: "tablet"}
