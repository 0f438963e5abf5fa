"""Registrations, row by row of the module's table, and the small changes of a device that they are made of."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.device import Device, InactiveReason, Retirement
from fanfare.domain.keepalive import Keepalive, KeepaliveState
from fanfare.domain.message import Platform
from fanfare.domain.registration import (
    Details,
    Displacement,
    Known,
    RegistrationPlan,
    apply_details,
    deactivate,
    disown,
    own,
    plan_registration,
    retarget,
    revive,
)
from tests.factories import NOW, a_device, a_profile, a_registration, a_token, an_owner

EVIDENCE = Retirement("UNREGISTERED", NOW - timedelta(days=2), "notification-0")
RETIRED: dict[str, Any] = {"active": False, "inactive_reason": InactiveReason.UNREGISTERED, "retirement": EVIDENCE}
A, B = a_profile(id="A"), a_profile(id="B")
OWNER_A, OWNER_B = an_owner("A"), an_owner("B")
PHONE = Details(device_id="phone")

_reasons = st.sampled_from(InactiveReason)
_details = st.builds(
    Details,
    device_id=st.none() | st.just("phone"),
    app_version=st.none() | st.just("3.4.1"),
    locale=st.none() | st.just("sw-TZ"),
    tags=st.none() | st.just(()) | st.just(("beta",)),
)
_devices = st.builds(
    a_device,
    device_id=st.none() | st.just("tablet"),
    app_version=st.none() | st.just("2.0"),
    tags=st.just(()) | st.just(("old",)),
    owners=st.sampled_from([(), (OWNER_A,), (OWNER_B,), (OWNER_A, OWNER_B)]),
) | st.just(a_device(**RETIRED))


def plan(known: Known, *, profile: Any = A, leave_shared: bool = False, **registration: Any) -> RegistrationPlan:
    return plan_registration(a_registration(**registration), profile, known, now=NOW, new_id="drawn-id", leave_shared=leave_shared)


def test_unknown_target_makes_a_new_device() -> None:
    made = plan(Known(), details=Details("phone", "3.4.1", "15", "Pixel 9", "sw-TZ", "Africa/Dar_es_Salaam", ("beta",)), platform=Platform.IOS)
    assert made == RegistrationPlan(
        Device(
            id="drawn-id",
            target=a_token("new"),
            platform=Platform.IOS,
            owners=(replace(OWNER_A, installed_as="phone"),),
            created_at=NOW,
            last_seen_at=NOW,
            device_id="phone",
            app_version="3.4.1",
            os_version="15",
            model="Pixel 9",
            locale="sw-TZ",
            timezone="Africa/Dar_es_Salaam",
            tags=("beta",),
        )
    )
    assert made.created


def test_new_device_of_an_app_that_says_nothing_has_nothing_but_its_owner() -> None:
    device = plan(Known()).device
    assert device == Device("drawn-id", a_token("new"), Platform.ANDROID, (OWNER_A,), NOW, NOW)


def test_known_target_is_refreshed_and_keeps_what_the_app_did_not_say() -> None:
    stored = a_device(owners=(OWNER_A,), target=a_token("new"), app_version="3.4.0", model="Pixel 9", topics=("news",))
    made = plan(Known(by_target=stored), details=Details(app_version="3.4.1"))
    assert made == RegistrationPlan(replace(stored, app_version="3.4.1", last_seen_at=NOW), stored)
    assert not made.created


def test_known_install_gets_the_new_target_and_keeps_its_id() -> None:
    stored = a_device(owners=(replace(OWNER_A, installed_as="phone"),), device_id="phone", target=a_token("old"), topics=("news",))
    made = plan(Known(by_install=stored), details=PHONE)
    assert made == RegistrationPlan(replace(stored, target=a_token("new"), last_seen_at=NOW), stored)
    assert not made.created


def test_target_and_install_of_one_device_refresh_it_and_displace_nobody() -> None:
    stored = a_device(owners=(replace(OWNER_A, installed_as="phone"),), device_id="phone", target=a_token("new"))
    made = plan(Known(stored, stored), details=PHONE)
    assert made == RegistrationPlan(replace(stored, last_seen_at=NOW), stored)


def test_device_that_lost_its_install_to_another_is_deactivated_without_it() -> None:
    mine = a_device(id="mine", target=a_token("new"), owners=(OWNER_A,))
    other = a_device(id="other", device_id="phone", owners=(replace(OWNER_A, installed_as="phone"), replace(OWNER_B, installed_as="tablet")))
    made = plan(Known(mine, other), details=PHONE)
    lost = replace(other, device_id=None, owners=(OWNER_A, OWNER_B), active=False, inactive_reason=InactiveReason.REPLACED, inactive_since=NOW)
    assert made.displaced == Displacement(other, lost)
    assert made.previous == mine
    assert made.device == replace(mine, device_id="phone", owners=(replace(OWNER_A, installed_as="phone"),), last_seen_at=NOW)


@pytest.mark.parametrize(("details", "device_id"), [(Details(), None), (PHONE, "phone")])
def test_device_that_changes_hands_leaves_its_old_owners_name_for_it_behind(details: Details, device_id: str | None) -> None:
    stored = a_device(owners=(replace(OWNER_A, installed_as="hers"), OWNER_B), device_id="hers", target=a_token("new"))
    made = plan(Known(by_target=stored), profile=a_profile(id="C"), details=details)
    assert made.device.owners == (an_owner("C", installed_as=device_id),)
    assert made.device.device_id == device_id


def test_shared_registration_adds_an_owner_and_keeps_the_install_of_the_first() -> None:
    first = replace(OWNER_A, installed_as="hers")
    stored = a_device(owners=(first,), device_id="hers", target=a_token("new"))
    made = plan(Known(by_target=stored), profile=B, shared=True)
    assert made.device.owners == (first, OWNER_B)
    assert made.device.device_id == "hers"


def test_install_that_others_share_is_left_to_them_where_that_is_wanted() -> None:
    stored = a_device(owners=(replace(OWNER_A, installed_as="phone"), replace(OWNER_B, installed_as="theirs")))
    made = plan(Known(by_install=stored), details=PHONE, leave_shared=True)
    assert (made.created, made.device.target, made.device.profile_ids) == (True, a_token("new"), ("A",))
    assert made.displaced == Displacement(stored, replace(stored, owners=stored.owners[1:], device_id="theirs"))


@pytest.mark.parametrize("owners", [(OWNER_A,), (OWNER_A, OWNER_B)])
def test_install_that_has_the_target_or_is_shared_with_nobody_is_refreshed(owners: Any) -> None:
    stored = a_device(owners=owners)
    known = Known(by_install=stored) if len(owners) == 1 else Known(by_target=stored, by_install=stored)
    assert plan(known, details=PHONE, leave_shared=True) == plan(known, details=PHONE)


def test_shared_registration_again_keeps_every_owner_once() -> None:
    stored = a_device(owners=(OWNER_A, OWNER_B), target=a_token("new"))
    assert set(plan(Known(by_target=stored), profile=A, shared=True).device.owners) == {OWNER_A, OWNER_B}


@pytest.mark.parametrize("reason", InactiveReason)
def test_registering_revives_an_inactive_device(reason: InactiveReason) -> None:
    stored = a_device(owners=(OWNER_A,), target=a_token("new"), active=False, inactive_reason=reason, retirement=EVIDENCE)
    made = plan(Known(by_target=stored))
    assert (made.device.active, made.device.inactive_reason, made.device.retirement) == (True, None, None)


def test_new_platform_of_a_known_target_is_believed() -> None:
    stored = a_device(target=a_token("new"), platform=Platform.ANDROID)
    assert plan(Known(by_target=stored), platform=Platform.WEB).device.platform is Platform.WEB


@given(_devices, _details, st.booleans(), st.sampled_from([A, B]))
def test_repeated_registration_changes_nothing_more(stored: Device, details: Details, shared: bool, profile: Any) -> None:  # noqa: FBT001 - drawn
    first = plan(Known(by_target=stored), profile=profile, details=details, shared=shared).device
    again = plan(Known(by_target=first), profile=profile, details=details, shared=shared)
    assert again == RegistrationPlan(first, first)


@given(_devices, _details, st.booleans(), st.sampled_from([A, B]))
def test_registered_device_is_active_seen_now_and_its_profiles(stored: Device, details: Details, shared: bool, profile: Any) -> None:  # noqa: FBT001 - drawn
    device = plan(Known(by_install=stored), profile=profile, details=details, shared=shared).device
    assert device.active
    assert device.last_seen_at == NOW
    assert device.target == a_token("new")
    kept = set(stored.profile_ids) if shared or profile.id in stored.profile_ids else set()
    assert sorted(device.profile_ids) == sorted(kept | {profile.id})
    assert (device.id, device.created_at, device.topics) == (stored.id, stored.created_at, stored.topics)


@given(_devices, _details)
def test_details_overwrite_what_was_said_and_leave_the_rest(device: Device, details: Details) -> None:
    changed = apply_details(device, details)
    said = {field.name: getattr(details, field.name) for field in fields(Details)}
    for field in fields(Device):
        expected = said.get(field.name)
        assert getattr(changed, field.name) == (getattr(device, field.name) if expected is None else expected)


def test_empty_tags_are_said_and_remove_the_tags() -> None:
    assert apply_details(a_device(tags=("beta",)), Details(tags=())).tags == ()


@pytest.mark.parametrize(("device_id", "installed_as"), [(None, "old"), ("new", "new")])
def test_owner_keeps_its_install_until_the_app_says_another(device_id: str | None, installed_as: str) -> None:
    stored = a_device(owners=(OWNER_B, replace(OWNER_A, installed_as="old")))
    assert own(stored, A, shared=True, device_id=device_id).owners == (OWNER_B, replace(OWNER_A, installed_as=installed_as))


def test_owner_is_remembered_by_the_profiles_present_names() -> None:
    renamed = a_profile(id="A", username="alice", addresses=("h1", "h2"))
    assert own(a_device(owners=(OWNER_A,)), renamed, shared=False, device_id=None).owners == (
        an_owner("A", username="alice", addresses=("h1", "h2")),
    )


@given(_devices, _reasons)
def test_deactivating_twice_is_deactivating_once(device: Device, reason: InactiveReason) -> None:
    once = deactivate(device, reason, NOW)
    assert once == replace(device, active=False, inactive_reason=reason, inactive_since=NOW)
    assert deactivate(once, reason, NOW) == once


@given(_devices, _reasons)
def test_revived_device_is_as_it_was_before_it_was_deactivated(device: Device, reason: InactiveReason) -> None:
    revived = revive(device)
    assert revive(deactivate(revived, reason, NOW)) == revive(revived) == revived
    assert (revived.active, revived.inactive_reason, revived.inactive_since, revived.retirement) == (True, None, None, None)


# A new target


@given(_devices)
def test_same_target_again_changes_nothing(device: Device) -> None:
    assert retarget(device, device.target, NOW) == device


OF_TARGET = (
    *(InactiveReason.UNREGISTERED, InactiveReason.SENDER_ID_MISMATCH, InactiveReason.INVALID_TARGET),
    *(InactiveReason.REPLACED, InactiveReason.IDLE),
)


@pytest.mark.parametrize("reason", InactiveReason)
def test_new_target_ends_what_was_held_against_the_old_one_and_nobodys_will(reason: InactiveReason) -> None:
    device = a_device(owners=(OWNER_A,), active=False, inactive_reason=reason, inactive_since=NOW - timedelta(days=2))
    renewed = retarget(device, a_token("new"), NOW)
    assert (renewed.target, renewed.last_seen_at) == (a_token("new"), NOW)
    expected = (True, None, None) if reason in OF_TARGET else (False, reason, device.inactive_since)
    assert (renewed.active, renewed.inactive_reason, renewed.inactive_since) == expected


# Owners who leave


def test_shared_device_is_left_to_the_others_with_their_name_for_it() -> None:
    device = a_device(owners=(replace(OWNER_A, installed_as="hers"), replace(OWNER_B, installed_as="his")), device_id="hers")
    left = disown(device, "A")
    assert (left.owners, left.device_id) == ((replace(OWNER_B, installed_as="his"),), "his")
    assert disown(left, "A") == left


def test_owner_who_called_it_nothing_leaves_no_name() -> None:
    device = replace(a_device(owners=(replace(OWNER_A, installed_as="hers"), OWNER_B)), device_id="hers")
    assert disown(device, "A").device_id is None


def test_platform_that_is_not_said_is_android_for_a_new_device_and_the_known_ones_own() -> None:
    unsaid = a_registration(platform=None)
    new = plan_registration(unsaid, a_profile(), Known(None, None), now=NOW, new_id="new").device
    known = a_device(platform=Platform.IOS)
    assert new.platform is Platform.ANDROID
    assert plan_registration(unsaid, a_profile(), Known(known, None), now=NOW, new_id="new").device.platform is Platform.IOS


def test_registering_again_lets_a_silent_app_be_pinged_again() -> None:
    stopped = Keepalive(KeepaliveState.STOPPED, NOW, None, NOW)
    stored = a_device(owners=(OWNER_A,), target=a_token("new"), keepalive=stopped)
    assert plan(Known(by_target=stored)).device.keepalive == Keepalive(last=NOW)
    assert retarget(stored, a_token("newer"), NOW).keepalive == Keepalive(last=NOW)
    assert retarget(stored, stored.target, NOW).keepalive == stopped
    planned = replace(stopped, state=KeepaliveState.PLANNED, next=NOW)
    assert plan(Known(by_target=replace(stored, keepalive=planned))).device.keepalive == replace(planned, reply=None)
    assert plan(Known()).device.keepalive == Keepalive()
