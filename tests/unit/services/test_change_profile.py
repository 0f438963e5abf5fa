"""Profiles that are renamed, deleted and restored, and who is reached meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import AuditEntry
from fanfare.domain.device import InactiveReason
from fanfare.domain.errors import Conflict, NotFound, Unavailable
from fanfare.domain.filters import AuditFilter
from fanfare.domain.profile import Profile, ProfileState, Stage
from fanfare.domain.registration import Registration, RegistrationPlan, plan_registration
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees
from fanfare.domain.spreading import SETTLE_AFTER
from fanfare.ports import Deps
from fanfare.services.change_profile import delete_profile, restore_profile, update_profile
from fanfare.services.device_states import activate_device
from fanfare.services.profile_devices import PAGE
from fanfare.services.profiles import NewProfile, create_profile, get_profile
from fanfare.services.register_devices import register_device, register_devices
from fanfare.services.resolve_recipients import resolve_recipients
from fanfare.services.settle_profile import settle_profiles
from tests.factories import NOW, TENANT_ID, a_call, a_registration, a_token
from tests.fakes import FixedClock, MemoryDeviceStore, fake_deps
from tests.unit.services.seeding import a_request, add_devices, add_profile, audience_of, device_of, profile_id, stored_device, username

PHONE = Address(AddressKind.PHONE, "+255712345678")


class FailingDevices(MemoryDeviceStore):
    """Answers so many changes of devices and then no more, until it is mended."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        self.answers = answers
        self.refused: set[str] = set()

    def update_many(
        self, tenant: str, device_ids: Sequence[str], decide: Callable[..., Any], audit: AuditEntry | None = None, **named: Any
    ) -> Sequence[str]:
        self.answers -= 1
        if self.answers < 0 or self.refused.intersection(device_ids):
            raise Unavailable("Firestore does not answer.")
        return super().update_many(tenant, device_ids, decide, audit, **named)


def _reached(deps: Deps, *addresses: Address) -> list[str]:
    return _to(deps, Addressees(addresses=addresses))


def _to(deps: Deps, to: Addressees) -> list[str]:
    return sorted(row.device_id for row in resolve_recipients(deps, TENANT_ID, a_request(to)))


def _alice(deps: Deps, *device_ids: str, **fields: Any) -> Profile:
    alice = add_profile(deps, "alice", username="alice", **fields)
    add_devices(deps, *(device_of(alice, id=device_id) for device_id in device_ids))
    return alice


def _actions(deps: Deps) -> list[str]:
    return [stored.entry.action for stored in deps.audit.list(TENANT_ID, AuditFilter(resource="profile"), 100, None).items]


def test_renamed_person_is_reached_by_the_new_name_and_not_by_the_old_one() -> None:
    deps = fake_deps()
    _alice(deps, "phone", "tablet")
    renamed = update_profile(deps, a_call(), "alice", {"username": "alicia"})
    assert (renamed.username, renamed.spread.stage, renamed.spread.former) == ("alicia", Stage.SETTLED, ())
    assert get_profile(deps, TENANT_ID, "alice") == renamed
    assert _reached(deps, username("alicia")) == _reached(deps, profile_id("alice")) == ["phone", "tablet"]
    assert _reached(deps, username("alice")) == []
    assert stored_device(deps, "phone").owners[0].username == "alicia"


def test_name_that_was_given_up_is_free_at_once() -> None:
    deps = fake_deps()
    _alice(deps, "phone")
    update_profile(deps, a_call(), "alice", {"username": "alicia"})
    successor = create_profile(deps, a_call(), NewProfile(username="alice"))
    assert _reached(deps, username("alice")) == []
    assert update_profile(deps, a_call(), successor.id, {"username": "al"}).username == "al"


def test_name_of_somebody_else_is_a_conflict_and_changes_nothing() -> None:
    deps = fake_deps()
    alice = _alice(deps, "phone")
    add_profile(deps, "bob", username="bob", phone_number=PHONE.value)
    for changes in ({"username": "bob"}, {"phone_number": PHONE.value, "locale": "de"}):
        with pytest.raises(Conflict):
            update_profile(deps, a_call(), "alice", changes)  # type: ignore[arg-type]
    assert get_profile(deps, TENANT_ID, "alice") == alice
    assert _reached(deps, username("alice")) == ["phone"]
    assert _actions(deps) == []


def test_more_devices_than_a_page_all_follow() -> None:
    deps = fake_deps()
    _alice(deps, *(f"d{number:03}" for number in range(2 * PAGE + 1)))
    update_profile(deps, a_call(), "alice", {"username": "alicia", "phone_number": PHONE.value})
    assert len(_reached(deps, username("alicia"))) == len(_reached(deps, PHONE)) == 2 * PAGE + 1
    assert _reached(deps, username("alice")) == []


def test_shared_device_follows_the_one_who_was_renamed() -> None:
    deps = fake_deps()
    alice, bob = add_profile(deps, "alice", username="alice"), add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(alice, bob, id="shared"))
    update_profile(deps, a_call(), "alice", {"username": "alicia"})
    assert [owner.username for owner in stored_device(deps, "shared").owners] == ["alicia", "bob"]
    assert _reached(deps, username("bob")) == _reached(deps, username("alicia")) == ["shared"]


@pytest.mark.parametrize("answers", range(4))
def test_rename_that_fails_on_its_way_loses_no_push_and_the_same_call_mends_it(answers: int) -> None:
    devices = FailingDevices(answers)
    deps = fake_deps(devices=devices)
    everybody = [f"d{number:03}" for number in range(PAGE + 1)]
    _alice(deps, *everybody)
    with pytest.raises(Unavailable):
        update_profile(deps, a_call(), "alice", {"username": "alicia"})
    # Until all have the new name the old one reaches all; afterwards the new one does.
    assert everybody in (_reached(deps, username("alice")), _reached(deps, username("alicia")))
    with pytest.raises(Conflict):
        create_profile(deps, a_call(), NewProfile(username="alice"))
    devices.answers = 100
    assert update_profile(deps, a_call(), "alice", {"username": "alicia"}).spread.stage is Stage.SETTLED
    assert _reached(deps, username("alicia")) == everybody
    assert _reached(deps, username("alice")) == []


@pytest.mark.parametrize("answers", range(4))
def test_rename_that_fails_on_its_way_is_mended_by_the_tick(answers: int) -> None:
    devices, clock = FailingDevices(answers), FixedClock()
    deps = fake_deps(devices=devices, clock=clock)
    _alice(deps, *(f"d{number:03}" for number in range(PAGE + 1)))
    with pytest.raises(Unavailable):
        update_profile(deps, a_call(), "alice", {"username": "alicia"})
    devices.answers = 100
    assert settle_profiles(deps) == 0
    clock.advance(SETTLE_AFTER)
    assert settle_profiles(deps) == 1
    assert len(_reached(deps, username("alicia"))) == PAGE + 1
    assert _reached(deps, username("alice")) == []
    assert settle_profiles(deps) == 0


def test_profile_that_can_not_be_settled_keeps_no_other_waiting() -> None:
    devices, clock = FailingDevices(100), FixedClock()
    deps = fake_deps(devices=devices, clock=clock)
    _alice(deps, "phone")
    bob = add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(bob, id="browser"))
    devices.answers = 0
    for person, name in (("alice", "alicia"), ("bob", "bobby")):
        with pytest.raises(Unavailable):
            update_profile(deps, a_call(), person, {"username": name})
    clock.advance(SETTLE_AFTER)
    devices.refused = {"phone"}
    devices.answers = 100
    assert settle_profiles(deps) == 2
    assert (_reached(deps, username("alicia")), _reached(deps, username("bobby"))) == ([], ["browser"])
    devices.refused = set()
    assert settle_profiles(deps) == 1
    assert _reached(deps, username("alicia")) == ["phone"]


def test_device_whose_registration_had_read_the_old_name_is_mended_by_the_tick() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    alice = _alice(deps)
    update_profile(deps, a_call(), "alice", {"username": "alicia"})
    add_devices(deps, device_of(alice, id="late"))
    assert _reached(deps, username("alicia")) == []
    clock.advance(SETTLE_AFTER)
    settle_profiles(deps)
    assert _reached(deps, username("alicia")) == ["late"]
    assert _reached(deps, username("alice")) == []


def test_callers_who_change_one_profile_at_once_end_with_what_came_last() -> None:
    """Another caller renames and settles before each page of the first one's devices; the first one goes on with old knowledge."""

    class Overtaken(MemoryDeviceStore):
        names = iter(("second", "third"))

        def update_many(
            self, tenant: str, device_ids: Sequence[str], decide: Callable[..., Any], audit: AuditEntry | None = None, **named: Any
        ) -> Sequence[str]:
            name = next(self.names, None)
            if name is not None:
                update_profile(deps, a_call(), "alice", {"username": name})
            return super().update_many(tenant, device_ids, decide, audit, **named)

    deps = fake_deps(devices=Overtaken())
    _alice(deps, "phone", "tablet")
    update_profile(deps, a_call(), "alice", {"username": "first"})
    last = get_profile(deps, TENANT_ID, "alice")
    assert (last.username, last.spread.stage) == ("third", Stage.SETTLED)
    assert _reached(deps, username("third")) == ["phone", "tablet"]
    assert _reached(deps, *map(username, ("alice", "first", "second"))) == []


# Deletion


def test_deleted_person_receives_nothing_and_keeps_devices_and_names() -> None:
    deps = fake_deps()
    _alice(deps, "phone", phone_number=PHONE.value)
    delete_profile(deps, a_call(), "alice")
    assert get_profile(deps, TENANT_ID, "alice").state is ProfileState.DELETED
    assert _reached(deps, username("alice"), PHONE, profile_id("alice")) == audience_of(deps) == _to(deps, Addressees(device_ids=("phone",))) == []
    assert (stored_device(deps, "phone").active, stored_device(deps, "phone").profile_ids) == (False, ("alice",))
    with pytest.raises(Conflict):
        create_profile(deps, a_call(), NewProfile(username="alice"))


def test_restored_person_receives_again() -> None:
    deps = fake_deps()
    _alice(deps, "phone", "dead")
    deps.devices.update(TENANT_ID, "dead", lambda device: replace(device, active=False, inactive_reason=InactiveReason.UNREGISTERED))
    delete_profile(deps, a_call(), "alice")
    assert restore_profile(deps, a_call(), "alice").deleted_at is None
    assert _reached(deps, username("alice")) == audience_of(deps) == ["phone"]
    assert stored_device(deps, "dead").inactive_reason is InactiveReason.UNREGISTERED


def test_shared_device_is_reached_through_the_other_one_and_not_through_the_deleted_one() -> None:
    deps = fake_deps()
    alice, bob = add_profile(deps, "alice", username="alice"), add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(alice, bob, id="shared"))
    delete_profile(deps, a_call(), "alice")
    assert _reached(deps, username("alice")) == audience_of(deps, Segment(profile_ids=("alice",))) == []
    assert _reached(deps, username("bob")) == audience_of(deps) == audience_of(deps, Segment(profile_ids=("bob",))) == ["shared"]
    (row,) = resolve_recipients(deps, TENANT_ID, a_request(Addressees(device_ids=("shared",))))
    assert row.username == "bob"


def test_device_of_two_deleted_people_comes_back_with_the_first_of_them() -> None:
    deps = fake_deps()
    alice, bob = add_profile(deps, "alice", username="alice"), add_profile(deps, "bob", username="bob")
    add_devices(deps, device_of(alice, bob, id="shared"))
    for person in ("alice", "bob"):
        delete_profile(deps, a_call(), person)
    assert not stored_device(deps, "shared").active
    restore_profile(deps, a_call(), "bob")
    assert (_reached(deps, username("bob")), _reached(deps, username("alice"))) == (["shared"], [])


def test_device_of_a_deleted_person_can_not_be_activated_past_the_deletion() -> None:
    deps = fake_deps()
    _alice(deps, "phone")
    delete_profile(deps, a_call(), "alice")
    assert not activate_device(deps, a_call(), "phone").active
    assert audience_of(deps) == []


@pytest.mark.parametrize("named", [username("alice"), profile_id("alice"), PHONE])
def test_app_can_not_register_for_a_deleted_person(named: Address) -> None:
    deps = fake_deps()
    _alice(deps, phone_number=PHONE.value)
    delete_profile(deps, a_call(), "alice")
    with pytest.raises(Conflict):
        register_device(deps, a_call(), a_registration(profile=named))
    good = a_registration(target=a_token("other"), profile=username("bob"))
    refused, registered = register_devices(deps, a_call(), [a_registration(profile=named), good])
    assert isinstance(refused, Conflict)
    assert not isinstance(registered, Conflict)
    assert get_profile(deps, TENANT_ID, "alice").state is ProfileState.DELETED


def test_registration_under_way_while_its_person_is_deleted_is_mended_by_the_tick() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    alice = _alice(deps)
    registration: Registration = a_registration()
    (known,) = deps.devices.find_known(TENANT_ID, [(registration, alice)])
    plan: RegistrationPlan = plan_registration(registration, alice, known, now=NOW, new_id="late")
    delete_profile(deps, a_call(), "alice")
    assert deps.devices.save(TENANT_ID, [plan])
    clock.advance(SETTLE_AFTER)
    settle_profiles(deps)
    assert _reached(deps, username("alice")) == audience_of(deps) == []


def test_deleting_and_restoring_twice_is_once() -> None:
    deps = fake_deps()
    _alice(deps, "phone")
    for _ in range(2):
        delete_profile(deps, a_call(), "alice")
    for _ in range(2):
        restore_profile(deps, a_call(), "alice")
    assert _actions(deps) == ["profile.restored", "profile.deleted"]


def test_deleted_person_can_not_be_changed() -> None:
    deps = fake_deps()
    alice = _alice(deps)
    delete_profile(deps, a_call(), "alice")
    with pytest.raises(Conflict):
        update_profile(deps, a_call(), "alice", {"username": "alicia"})
    assert get_profile(deps, TENANT_ID, "alice").username == alice.username


@pytest.mark.parametrize(("tenant", "wanted"), [(TENANT_ID, "nobody"), ("globex", "alice")])
def test_unknown_profile_and_another_tenants_are_not_found(tenant: str, wanted: str) -> None:
    deps = fake_deps()
    alice = _alice(deps)
    call = a_call(tenant=tenant)
    attempts: list[Callable[[], object]] = [
        lambda: update_profile(deps, call, wanted, {"locale": "de"}),
        lambda: delete_profile(deps, call, wanted),
        lambda: restore_profile(deps, call, wanted),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    assert get_profile(deps, TENANT_ID, "alice") == alice


def test_audit_log_tells_who_changed_what_and_no_name() -> None:
    deps = fake_deps()
    _alice(deps, locale="de")
    update_profile(deps, a_call(), "alice", {"username": "alicia", "locale": "sw"})
    delete_profile(deps, a_call(), "alice")
    entries = [stored.entry for stored in deps.audit.list(TENANT_ID, AuditFilter(resource="profile"), 100, None).items]
    deleted, updated = sorted(entries, key=lambda entry: entry.action)
    assert {entry.resource_ids for entry in entries} == {("alice",)}
    assert (updated.changes["locale"].before, updated.changes["locale"].after) == ("de", "sw")
    assert updated.changes.keys() == {"username", "locale"}
    assert deleted.changes.keys() == {"deleted_at"}
    assert "alic" not in "".join(map(str, itertools.chain(updated.changes.values(), deleted.changes.values())))
