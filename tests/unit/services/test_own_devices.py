"""A user of the app registers, refreshes and deletes its own devices and touches nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.call import Call
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.errors import Conflict, Forbidden, InvalidRequest, NotFound
from fanfare.domain.filters import ProfileFilter
from fanfare.domain.registration import Details, Registration
from fanfare.ports import Deps
from fanfare.services.device_states import activate_device, deactivate_device, erase_device
from fanfare.services.devices import delete_device, get_own_device, update_device
from fanfare.services.own_devices import claimed_by, seen_by
from fanfare.services.register_devices import Registered, register_device, register_devices
from tests.factories import TENANT_ID, a_call, a_registration, a_token
from tests.fakes import fake_deps
from tests.unit.services.seeding import add_devices, add_profile, device_of, profile_id, stored_device, username
from tests.unit.services.users import a_users_call

T1, T2 = a_token("t1"), a_token("t2")
OWN = Address(AddressKind.EXTERNAL, "uid-1")


def _claim(call: Call, named: Address | None = None, **fields: Any) -> Registration:
    return a_registration(**{"target": T1, "profile": claimed_by(call, named)} | fields)


def _people(deps: Deps) -> list[tuple[str | None, str | None]]:
    return [(profile.username, profile.external_id) for profile in deps.profiles.list(TENANT_ID, ProfileFilter(), 10, None).items]


def _two_people(**fields: Any) -> Deps:
    """`mine` is the device of the user uid-1, `theirs` that of another one."""
    deps = fake_deps()
    me, they = add_profile(deps, "me", external_id="uid-1"), add_profile(deps, "they", external_id="uid-2")
    add_devices(deps, device_of(me, id="mine", **fields), device_of(they, id="theirs", **fields))
    return deps


# Registering


def test_registration_without_a_name_is_for_the_user_who_is_made_if_unknown() -> None:
    deps, call = fake_deps(), a_users_call()
    first = register_device(deps, call, _claim(call))
    second = register_device(deps, call, _claim(call, target=T2))
    assert (first.created, second.created) == (True, True)
    assert _people(deps) == [(None, "uid-1")]
    assert stored_device(deps, first.device.id).profile_ids == stored_device(deps, second.device.id).profile_ids


def test_client_must_say_whose_a_device_is() -> None:
    with pytest.raises(InvalidRequest) as refused:
        claimed_by(a_call(), None)
    assert [error.field for error in refused.value.errors] == ["body"]


@pytest.mark.parametrize("named", [profile_id("me"), username("user-of-me"), OWN])
def test_user_may_name_its_own_profile(named: Address) -> None:
    deps, call = _two_people(), a_users_call()
    assert register_device(deps, call, _claim(call, named)).device.profile_ids == ("me",)


@pytest.mark.parametrize(
    "named", [profile_id("they"), username("user-of-they"), username("nobody"), profile_id("nobody"), Address(AddressKind.EXTERNAL, "uid-2")]
)
def test_user_registers_for_nobody_else_and_nobody_is_made(named: Address) -> None:
    deps, call = _two_people(), a_users_call()
    before = _people(deps)
    with pytest.raises(Forbidden):
        register_device(deps, call, _claim(call, named))
    assert _people(deps) == before
    assert deps.devices.find_by_target(TENANT_ID, T1) is None


def test_foreign_name_among_many_refuses_that_one_alone() -> None:
    deps, call = _two_people(), a_users_call()
    outcomes = register_devices(deps, call, [_claim(call), _claim(call, profile_id("they"), target=T2)])
    assert [type(outcome) for outcome in outcomes] == [Registered, Forbidden]


def test_phone_that_changes_hands_moves_to_the_user_who_registers_its_target() -> None:
    deps, call = _two_people(), a_users_call()
    theirs = stored_device(deps, "theirs")
    assert register_device(deps, call, _claim(call, target=theirs.target)).device.id == "theirs"
    assert stored_device(deps, "theirs").profile_ids == ("me",)


# Refreshing


def test_user_changes_its_own_device() -> None:
    deps = _two_people()
    update_device(deps, a_users_call(), "mine", Details(locale="sw"), target=T1, platform=None, profile=profile_id("me"))
    assert (stored_device(deps, "mine").locale, stored_device(deps, "mine").target) == ("sw", T1)


def test_user_gives_its_device_to_nobody() -> None:
    deps = _two_people()
    for named in (profile_id("they"), username("nobody")):
        with pytest.raises(Forbidden):
            update_device(deps, a_users_call(), "mine", Details(), target=None, platform=None, profile=named)
    assert stored_device(deps, "mine").profile_ids == ("me",)


# What is another's


def _update(deps: Deps, call: Call, device_id: str) -> object:
    return update_device(deps, call, device_id, Details(locale="sw"), target=None, platform=None, profile=profile_id("me"))


OPERATIONS = pytest.mark.parametrize("operate", [get_own_device, _update, delete_device, activate_device, deactivate_device, erase_device])


@OPERATIONS
@pytest.mark.parametrize("uid", ["uid-1", "uid-3"])
def test_another_users_device_answers_like_none_and_stays_as_it_is(operate: Callable[[Deps, Call, str], object], uid: str) -> None:
    deps = _two_people()
    before = stored_device(deps, "theirs")
    refusals = []
    for device_id in ("theirs", "nobody"):
        with pytest.raises(NotFound) as refused:
            operate(deps, a_users_call(uid), device_id)
        refusals.append(refused.value.detail)
    assert refusals[0] == refusals[1]
    assert stored_device(deps, "theirs") == before


@OPERATIONS
def test_client_may_touch_everybodys_devices(operate: Callable[[Deps, Call, str], object]) -> None:
    deps = _two_people()
    operate(deps, a_call(), "theirs")
    operate(deps, a_call(), "mine")


# Deleting


def test_user_deletes_its_own_device() -> None:
    deps = _two_people()
    delete_device(deps, a_users_call(), "mine")
    assert stored_device(deps, "mine").inactive_reason is InactiveReason.DELETED


def _shared() -> tuple[Deps, Device]:
    deps = fake_deps()
    add_devices(deps, device_of(add_profile(deps, "me", external_id="uid-1"), add_profile(deps, "they", external_id="uid-2"), device_id="phone"))
    return deps, stored_device(deps)


def test_user_who_shares_a_device_leaves_it_to_the_others() -> None:
    deps, _ = _shared()
    delete_device(deps, a_users_call(), "device-1")
    device = stored_device(deps)
    assert (device.profile_ids, device.active) == (("they",), True)
    with pytest.raises(NotFound):
        delete_device(deps, a_users_call(), "device-1")
    delete_device(deps, a_users_call("uid-2"), "device-1")
    assert stored_device(deps).is_deleted


def test_user_who_shares_a_device_gets_nothing_that_is_sent_to_the_others() -> None:
    deps, device = _shared()
    call = a_users_call()
    with pytest.raises(Conflict, match="Others share this device"):
        update_device(deps, call, "device-1", Details(), target=T2, platform=None, profile=None)
    registered = register_device(deps, call, _claim(call, target=T2, details=Details(device_id="phone")))
    assert registered.created
    assert (stored_device(deps).target, stored_device(deps).profile_ids, stored_device(deps).active) == (device.target, ("they",), True)
    assert (registered.device.target, registered.device.profile_ids, registered.device.device_id) == (T2, ("me",), "phone")


def test_user_takes_a_known_target_without_taking_a_shared_install_from_the_others() -> None:
    deps, device = _shared()
    call = a_users_call()
    own = register_device(deps, call, _claim(call, target=T2)).device
    refreshed = register_device(deps, call, _claim(call, target=T2, details=Details(device_id="phone")))
    assert (refreshed.created, refreshed.device.id, refreshed.device.device_id) == (False, own.id, "phone")
    assert (stored_device(deps).target, stored_device(deps).profile_ids, stored_device(deps).active) == (device.target, ("they",), True)


def test_client_gives_a_shared_device_another_target_for_all() -> None:
    deps, _ = _shared()
    update_device(deps, a_call(), "device-1", Details(), target=T2, platform=None, profile=None)
    assert (stored_device(deps).target, stored_device(deps).profile_ids) == (T2, ("me", "they"))


def test_user_changes_the_rest_of_a_shared_device() -> None:
    deps, device = _shared()
    for target in (None, device.target):
        update_device(deps, a_users_call(), "device-1", Details(app_version="2.0"), target=target, platform=None, profile=None)
    assert (stored_device(deps).app_version, stored_device(deps).target) == ("2.0", device.target)


def test_client_deletes_a_shared_device_for_all() -> None:
    deps, _ = _shared()
    delete_device(deps, a_call(), "device-1")
    assert (stored_device(deps).is_deleted, stored_device(deps).profile_ids) == (True, ("me", "they"))


# Seeing


def test_user_who_shares_a_device_sees_nothing_of_the_others() -> None:
    deps, device = _shared()
    seen = seen_by(deps, a_users_call("uid-2"), device)
    assert (seen.profile_ids, [owner.username for owner in seen.owners]) == (("they",), ["user-of-they"])
    assert seen_by(deps, a_call(), device) == device


def test_device_of_one_owner_is_seen_as_it_is() -> None:
    deps = _two_people()
    assert seen_by(deps, a_users_call(), stored_device(deps, "mine")) == stored_device(deps, "mine")
