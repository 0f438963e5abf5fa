"""Erasing a person: what is gone at once, what others keep, and how an erasure that failed goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.audit import AuditEntry
from fanfare.domain.device import Device, Owner
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound, Unavailable
from fanfare.domain.filters import AuditFilter, NotificationFilter, ProfileFilter
from fanfare.domain.forgetting import FORGOTTEN
from fanfare.domain.listing import Page
from fanfare.domain.profile import Profile
from fanfare.domain.spreading import SETTLE_AFTER
from fanfare.ports import Deps
from fanfare.services.change_profile import delete_profile, erase_profile, restore_profile, update_profile
from fanfare.services.profile_devices import PAGE
from fanfare.services.profiles import NewProfile, create_profile, get_profile
from fanfare.services.register_devices import register_device
from fanfare.services.settle_profile import settle_profiles
from tests.factories import TENANT_ID, a_call, a_notification, a_registration, a_token
from tests.fakes import FixedClock, MemoryDeviceStore, fake_deps
from tests.unit.services.seeding import add_devices, add_profile, audience_of, device_of, profile_id, stored_device, username

FULL: dict[str, Any] = {
    "username": "alice", "phone_number": "+255712345678", "external_id": "crm-7", "tags": ("vip",), "locale": "sw", "timezone": "UTC",
}  # fmt: skip


class FailingDevices(MemoryDeviceStore):
    """Erases so many pages of devices and then no more, until it is mended."""

    answers = 1

    def erase(
        self,
        tenant: str,
        device_ids: Sequence[str],
        audit: AuditEntry | None = None,
        *,
        only_if: Callable[[Device], bool] = lambda _: True,
        **named: Any,
    ) -> int:
        self.answers -= 1
        if self.answers < 0:
            raise Unavailable("Firestore does not answer.")
        return super().erase(tenant, device_ids, audit, only_if=only_if, **named)


def _alice(deps: Deps, *device_ids: str) -> Profile:
    alice = add_profile(deps, "alice", **FULL)
    add_devices(deps, *(device_of(alice, id=device_id) for device_id in device_ids))
    return alice


def _notify(deps: Deps, notification_id: str, *usernames: str) -> None:
    request = {"title": "Hi", "to": {"usernames": list(usernames)}}
    assert deps.notifications.accept(a_notification(id=notification_id, usernames=usernames, request=request), ()) is None


def test_erased_person_is_not_found_by_anything() -> None:
    deps = fake_deps()
    _alice(deps, "phone")
    erase_profile(deps, a_call(), "alice")
    with pytest.raises(NotFound):
        get_profile(deps, TENANT_ID, "alice")
    assert [deps.profiles.list(TENANT_ID, ProfileFilter(deleted=deleted), 10, None).items for deleted in (False, True)] == [[], []]
    assert deps.profiles.find(TENANT_ID, [username("alice")]) == {}
    assert (deps.devices.get(TENANT_ID, ["phone"]), audience_of(deps)) == ([], [])


def test_names_and_targets_of_an_erased_person_are_free() -> None:
    deps = fake_deps()
    _alice(deps, "phone")
    erase_profile(deps, a_call(), "alice")
    successor = create_profile(deps, a_call(), NewProfile(**FULL))
    registered = register_device(deps, a_call(), a_registration(target=a_token("phone"), profile=username("alice")))
    assert (registered.created, registered.device.profile_ids) == (True, (successor.id,))


def test_nothing_that_is_left_tells_of_the_person() -> None:
    deps = fake_deps()
    _alice(deps, "phone")
    erase_profile(deps, a_call(), "alice")
    left = deps.profiles.get(TENANT_ID, "alice")
    assert left is not None
    assert {name: getattr(left, name) for name in FULL} == {**dict.fromkeys(FULL), "tags": ()}
    assert (len(left.addresses), left.spread.former) == (1, ())


def test_last_trace_goes_with_the_tick() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    alice = _alice(deps, "phone")
    erase_profile(deps, a_call(), "alice")
    add_devices(deps, device_of(alice, id="late"))
    clock.advance(SETTLE_AFTER)
    assert settle_profiles(deps) == 1
    assert (deps.profiles.get(TENANT_ID, "alice"), deps.devices.get(TENANT_ID, ["late"])) == (None, [])
    assert settle_profiles(deps) == 0


def test_shared_device_is_left_to_the_others() -> None:
    deps = fake_deps()
    alice, bob = _alice(deps, "phone"), add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(alice, bob, id="shared"))
    erase_profile(deps, a_call(), "alice")
    assert stored_device(deps, "shared").profile_ids == ("bob",)
    assert audience_of(deps) == ["shared"]


def test_device_shared_with_a_deleted_person_waits_for_that_one() -> None:
    deps = fake_deps()
    alice, bob = _alice(deps), add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(alice, bob, id="shared"))
    delete_profile(deps, a_call(), "bob")
    assert audience_of(deps) == ["shared"]
    erase_profile(deps, a_call(), "alice")
    assert audience_of(deps) == []
    restore_profile(deps, a_call(), "bob")
    assert audience_of(deps) == ["shared"]


def test_name_is_taken_out_of_every_notification_and_the_others_stay() -> None:
    deps = fake_deps()
    _alice(deps)
    for number in range(PAGE + 1):
        _notify(deps, f"n{number}", "bob", "alice")
    _notify(deps, "other", "bob")
    erase_profile(deps, a_call(), "alice")
    assert deps.notifications.list(TENANT_ID, NotificationFilter(username="alice"), 200, None).items == []
    assert len(deps.notifications.list(TENANT_ID, NotificationFilter(username="bob"), 200, None).items) == PAGE + 2
    notification = deps.notifications.get(TENANT_ID, "n0")
    assert notification is not None
    assert (notification.usernames, notification.request) == (("bob",), {"title": "Hi", "to": {"usernames": ["bob", FORGOTTEN]}})


@pytest.mark.parametrize("tick", [False, True])
def test_erasure_that_failed_halfway_has_begun_for_good_and_goes_on(tick: bool) -> None:  # noqa: FBT001 - a row of the table
    devices, clock = FailingDevices(), FixedClock()
    deps = fake_deps(devices=devices, clock=clock)
    _alice(deps, *(f"d{number:03}" for number in range(2 * PAGE + 1)))
    with pytest.raises(Unavailable):
        erase_profile(deps, a_call(), "alice")
    assert len(devices.list_of_profile(TENANT_ID, "alice", 500, None).items) == PAGE + 1
    with pytest.raises(NotFound):
        restore_profile(deps, a_call(), "alice")
    with pytest.raises(Conflict):
        register_device(deps, a_call(), a_registration(profile=username("alice")))
    devices.answers = 100
    if tick:
        clock.advance(SETTLE_AFTER)
        settle_profiles(deps)
    else:
        erase_profile(deps, a_call(), "alice")
    assert audience_of(deps) == []
    assert create_profile(deps, a_call(), NewProfile(**FULL)).id != "alice"


def test_erasing_again_is_erasing_once() -> None:
    deps = fake_deps()
    _alice(deps)
    for _ in range(2):
        erase_profile(deps, a_call(), "alice")
    entries = deps.audit.list(TENANT_ID, AuditFilter(resource="profile"), 10, None).items
    assert [stored.entry.action for stored in entries] == ["profile.erased"]


def test_each_device_that_went_with_the_person_is_in_the_audit_log() -> None:
    deps = fake_deps()
    alice, bob = _alice(deps, "phone", "tablet"), add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(alice, bob, id="shared"))
    erase_profile(deps, a_call(), "alice")
    entries = deps.audit.list(TENANT_ID, AuditFilter(resource="device"), 10, None).items
    assert {(stored.entry.action, stored.entry.resource_ids) for stored in entries} == {
        ("device.erased", ("phone", "tablet")),
        ("device.updated", ("shared",)),
    }


def test_a_device_can_not_be_registered_for_what_is_left() -> None:
    deps = fake_deps()
    _alice(deps)
    erase_profile(deps, a_call(), "alice")
    with pytest.raises(InvalidRequest):
        register_device(deps, a_call(), a_registration(profile=profile_id("alice")))


@pytest.mark.parametrize(("tenant", "wanted"), [(TENANT_ID, "nobody"), ("globex", "alice")])
def test_unknown_profile_and_another_tenants_are_not_erased(tenant: str, wanted: str) -> None:
    deps = fake_deps()
    _alice(deps, "phone")
    with pytest.raises(NotFound):
        erase_profile(deps, a_call(tenant=tenant), wanted)
    assert audience_of(deps) == ["phone"]


def test_what_was_erased_can_not_be_changed() -> None:
    deps = fake_deps()
    _alice(deps)
    erase_profile(deps, a_call(), "alice")
    with pytest.raises(NotFound):
        update_profile(deps, a_call(), "alice", {"username": "alice"})
    with pytest.raises(NotFound):
        delete_profile(deps, a_call(), "alice")


class MovingDevices(MemoryDeviceStore):
    """A device that moves to somebody else after a page of devices was read, and before they are erased."""

    successor: Profile | None = None

    def list_of_profile(self, tenant: str, profile_id: str, limit: int, after: str | None) -> Page[Device]:
        page = super().list_of_profile(tenant, profile_id, limit, after)
        if self.successor is not None:
            new, self.successor = self.successor, None
            self.update(tenant, "moved", lambda device: replace(device, owners=(Owner(new.id, new.username, new.addresses),)))
            self.update(tenant, "shared", lambda device: replace(device, owners=(*device.owners, Owner(new.id, new.username, new.addresses))))
        return page


def test_device_that_moves_to_somebody_else_meanwhile_is_not_wiped() -> None:
    devices = MovingDevices()
    deps = fake_deps(devices=devices)
    _alice(deps, "phone", "moved", "shared")
    devices.successor = add_profile(deps, "bob", username="bob")
    erase_profile(deps, a_call(), "alice")
    assert {device.id: device.profile_ids for device in deps.devices.get(TENANT_ID, ["phone", "moved", "shared"])} == {
        "moved": ("bob",),
        "shared": ("bob",),
    }
