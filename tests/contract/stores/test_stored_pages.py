"""What every store does for a rotation of keys: it lists all that is stored, and writes it again as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.device import InactiveReason
from fanfare.domain.filters import AuditFilter
from fanfare.domain.registration import RegistrationPlan, deactivate
from fanfare.domain.tenant import Tenant
from fanfare.domain.tenant_keys import IndexKeys, KeyRotation, Phase
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_device, a_profile, a_tenant

PEOPLE = ("p0", "p1", "p2")
ROTATION = KeyRotation(Phase.FILLING_DEVICES, NOW - timedelta(hours=1), NOW, "1-0", "device-7", 700)


def _add_people(stores: Stores, tenant: str) -> None:
    """One who is there, one who is deleted, one who is being erased."""
    ends = ({}, {"deleted_at": NOW}, {"deleted_at": NOW, "erased_at": NOW})
    for person, ended in zip(PEOPLE, ends, strict=True):
        stores.profiles.create(tenant, a_profile(id=person, addresses=(), **ended))


def test_every_device_is_listed_but_no_tombstone(stores: Stores, tenant: str, other_tenant: str) -> None:
    deleted = deactivate(a_device(id="b"), InactiveReason.DELETED, NOW)
    assert stores.devices.save(tenant, [RegistrationPlan(device) for device in (a_device(id="a"), deleted, a_device(id="c"), a_device(id="d"))])
    assert stores.devices.save(other_tenant, [RegistrationPlan(a_device(id="e"))])
    stores.devices.erase(tenant, ["c"])
    listed, after = [], None
    for _ in range(4):
        page = stores.devices.list_stored(tenant, 2, after)
        listed += [device.id for device in page.items]
        after = page.next_after
        if after is None:
            break
    assert listed == ["a", "b", "d"]


def test_every_profile_is_listed_in_whatever_state(stores: Stores, tenant: str, other_tenant: str) -> None:
    _add_people(stores, tenant)
    stores.profiles.create(other_tenant, a_profile(id="p3"))
    first = stores.profiles.list_stored(tenant, 2, None)
    rest = stores.profiles.list_stored(tenant, 2, first.next_after)
    assert [profile.id for profile in (*first.items, *rest.items)] == list(PEOPLE)
    assert (first.next_after, rest.next_after) == ("p1", None)


def test_many_profiles_are_found_by_id_in_whatever_state(stores: Stores, tenant: str) -> None:
    _add_people(stores, tenant)
    found = stores.profiles.get_many(tenant, ["p2", "nobody", "p0", "p2"])
    assert [profile.id for profile in found] == ["p2", "p0"]
    assert list(stores.profiles.get_many(tenant, [])) == []
    assert found[1] == stores.profiles.get(tenant, "p0")


def test_rewritten_profiles_are_what_they_were_and_found_as_before(stores: Stores, tenant: str) -> None:
    _add_people(stores, tenant)
    before = stores.profiles.list_stored(tenant, 10, None).items
    stores.profiles.rewrite(tenant, before)
    after = stores.profiles.list_stored(tenant, 10, None).items
    assert list(after) == list(before)
    assert all(old.revision != new.revision for old, new in zip(before, after, strict=True))
    name = Address(AddressKind.USERNAME, "user-of-p0")
    assert stores.profiles.find(tenant, [name])[name].id == "p0"
    holder, created = stores.profiles.create(tenant, a_profile(id="thief", username="user-of-p0", addresses=()))
    assert (holder.id, created) == ("p0", False)


def test_profile_that_was_changed_or_went_meanwhile_is_not_undone(stores: Stores, tenant: str) -> None:
    _add_people(stores, tenant)
    read = stores.profiles.list_stored(tenant, 10, None).items
    stores.profiles.update(tenant, "p0", lambda profile: replace(profile, username="renamed"))
    assert stores.profiles.remove(tenant, read[2])
    stores.profiles.rewrite(tenant, read)
    stored = stores.profiles.list_stored(tenant, 10, None).items
    assert [(profile.id, profile.username) for profile in stored] == [("p0", "renamed"), ("p1", "user-of-p1")]
    stores.profiles.rewrite(tenant, [])


def test_there_is_no_lock_of_a_key_that_was_never_used(stores: Stores, tenant: str) -> None:
    _add_people(stores, tenant)
    assert [store.remove_locks(tenant, "9-9", 10) for store in (stores.profiles, stores.devices)] == [0, 0]


# Tenants


def test_rotation_is_stored_with_its_tenant(stores: Stores) -> None:
    for index, rotation in enumerate((ROTATION, replace(ROTATION, cursor=None, done=0))):
        tenant = a_tenant(id=f"t{index}", index=IndexKeys("2-1", "1-0"), rotation=rotation, keys_rotated_at=NOW)
        stores.tenants.create(tenant)
        assert stores.tenants.get_fresh(tenant.id) == tenant
    done = stores.tenants.update("t0", lambda stored: replace(stored, index=IndexKeys("2-1"), rotation=None))
    assert stores.tenants.get_fresh("t0") == done == a_tenant(id="t0", index=IndexKeys("2-1"), keys_rotated_at=NOW)


def test_rotations_that_are_due_are_found_the_longest_waiting_first_and_hold_no_message(stores: Stores) -> None:
    for minutes in (1, -1, 3, 0, 2):
        due_at = NOW - timedelta(minutes=minutes)
        stores.tenants.create(a_tenant(id=f"t{minutes}", rotation=replace(ROTATION, due_at=due_at)))
    stores.tenants.create(a_tenant(id="idle"))
    found = stores.tenants.find_rotating(NOW, 10)
    assert [tenant.id for tenant in found] == ["t3", "t2", "t1", "t0"]
    assert list(stores.tenants.find_rotating(NOW, 2)) == list(found[:2])
    assert list(stores.tenants.find_needing_attention(NOW, 10)) == []


def test_entry_is_stored_with_what_a_rotation_decides(stores: Stores, tenant: str) -> None:
    def decide(stored: Tenant) -> Tenant | None:
        return replace(stored, rotation=ROTATION) if stored.rotation is None else None

    for _ in range(2):
        stores.tenants.update(tenant, decide, trail("app.key_rotation_begun", Actor(ActorKind.CLIENT, "client-1"), NOW))
    assert [row.entry.action for row in stores.audit.list(tenant, AuditFilter(), 10, None).items] == ["app.key_rotation_begun"]
