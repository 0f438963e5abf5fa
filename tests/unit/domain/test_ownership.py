"""What a device knows of its owners, and whether it receives because of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.device import Device, InactiveReason, Owner, Retirement
from fanfare.domain.ownership import as_reached, has_living_owner, heed_owners, latest_owner, owner_of, tell_owner
from fanfare.domain.profile import Profile, Spread
from fanfare.domain.registration import own, revive
from tests.factories import NOW, a_device, a_profile, an_owner

DELETED: dict[str, Any] = {"deleted_at": NOW}
GONE = an_owner("gone", addresses=(), suspended=True)
HERE = an_owner("here")
LONG_AGO = NOW - timedelta(days=9)


def _at(version: int, **fields: Any) -> Profile:
    return a_profile(**{"spread": Spread(version), **fields})


def test_owner_is_what_its_profile_is() -> None:
    assert owner_of(_at(3, username="alice", addresses=("h1", "h2")), "phone") == Owner("profile-1", "alice", ("h1", "h2"), "phone", 3)


@pytest.mark.parametrize("fields", [DELETED, {**DELETED, "erased_at": NOW}])
def test_owner_who_is_deleted_is_addressed_by_nothing(fields: dict[str, Any]) -> None:
    assert owner_of(_at(1, **fields)) == Owner("profile-1", "user-of-profile-1", (), None, 1, suspended=True)


def test_later_state_of_an_owner_wins_whichever_comes_first() -> None:
    old, new = owner_of(_at(1, username="alice"), "phone"), owner_of(_at(2, username="bob"))
    assert latest_owner(old, new) == new
    assert latest_owner(new, old) == replace(new, installed_as="phone")
    assert latest_owner(None, old) == old


def test_device_is_told_a_new_name_and_keeps_what_its_app_calls_itself() -> None:
    device = a_device(owners=(an_owner(installed_as="phone"), HERE), device_id="phone")
    told = tell_owner(device, _at(1, username="alice", addresses=("new",)), NOW)
    assert told is not None
    assert told.owners == (Owner("profile-1", "alice", ("new",), "phone", 1), replace(HERE, installed_as="phone"))
    assert tell_owner(told, _at(1, username="alice", addresses=("new",)), NOW) is None


def test_device_that_knows_more_is_told_nothing() -> None:
    device = a_device(owners=(owner_of(_at(5)),))
    assert tell_owner(device, _at(4, username="older"), NOW) is None


def test_device_receives_nothing_while_its_only_owner_is_deleted_and_again_afterwards() -> None:
    device = a_device()
    silenced = tell_owner(device, _at(1, **DELETED), NOW)
    assert silenced is not None
    assert (silenced.active, silenced.inactive_reason, silenced.inactive_since) == (False, InactiveReason.PROFILE_DELETED, NOW)
    restored = tell_owner(silenced, _at(2), NOW)
    assert restored is not None
    assert replace(restored, owners=device.owners) == device


def test_shared_device_receives_as_long_as_one_owner_is_there() -> None:
    shared = a_device(owners=(an_owner(), HERE))
    told = tell_owner(shared, _at(1, **DELETED), NOW)
    assert told is not None
    assert told.active
    assert [owner.addresses for owner in told.owners] == [(), HERE.addresses]


@pytest.mark.parametrize("reason", [reason for reason in InactiveReason if reason is not InactiveReason.PROFILE_DELETED])
@pytest.mark.parametrize("owners", [(GONE,), (HERE,), (HERE, GONE)])
def test_device_that_is_inactive_for_another_reason_stays_so(reason: InactiveReason, owners: tuple[Owner, ...]) -> None:
    device = a_device(owners=owners, active=False, inactive_reason=reason, inactive_since=LONG_AGO)
    assert heed_owners(device, NOW) == device


WAITING: dict[str, Any] = {"active": False, "inactive_reason": InactiveReason.PROFILE_DELETED, "inactive_since": LONG_AGO}


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (a_device(owners=(HERE,)), (True, None, None)),
        (a_device(owners=(GONE,)), (False, InactiveReason.PROFILE_DELETED, NOW)),
        (a_device(owners=(GONE, HERE)), (True, None, None)),
        (a_device(owners=(GONE,), **WAITING), (False, InactiveReason.PROFILE_DELETED, LONG_AGO)),
        (a_device(owners=(GONE, HERE), **WAITING), (True, None, None)),
        (a_device(owners=()), (True, None, None)),
    ],
)
def test_a_device_heeds_its_owners(device: Device, expected: tuple[object, ...]) -> None:
    heeded = heed_owners(device, NOW)
    assert (heeded.active, heeded.inactive_reason, heeded.inactive_since) == expected


@pytest.mark.parametrize(("owners", "expected"), [((), True), ((HERE,), True), ((GONE,), False), ((GONE, HERE), True), ((GONE, GONE), False)])
def test_whether_somebody_is_there(owners: tuple[Owner, ...], expected: bool) -> None:  # noqa: FBT001 - a row of the table
    assert has_living_owner(a_device(owners=owners)) is expected


def test_a_send_sees_nobody_who_is_deleted() -> None:
    assert as_reached(a_device(owners=(GONE, HERE))) == a_device(owners=(HERE,))
    assert as_reached(a_device(owners=(HERE,))) == a_device(owners=(HERE,))


def test_device_whose_owners_are_all_deleted_is_not_revived_but_waits_for_them() -> None:
    evidence = Retirement("UNREGISTERED", LONG_AGO, "notification-0")
    retired = a_device(owners=(GONE,), active=False, inactive_reason=InactiveReason.UNREGISTERED, inactive_since=LONG_AGO, retirement=evidence)
    revived = revive(retired)
    assert (revived.active, revived.inactive_reason, revived.retirement) == (False, InactiveReason.PROFILE_DELETED, None)
    assert revive(replace(retired, owners=(GONE, HERE))).active


def test_registration_that_read_an_older_profile_does_not_undo_what_the_device_knows() -> None:
    device = a_device(owners=(owner_of(_at(2, username="new", addresses=("new",))),))
    owned = own(device, _at(1, username="old", addresses=("old",)), shared=False, device_id="phone")
    assert owned.owners == (Owner("profile-1", "new", ("new",), "phone", 2),)
