from __future__ import annotations

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.filters import ProfileFilter
from fanfare.ports import Deps
from fanfare.services.profiles import NewProfile, create_profile, find_or_create_profiles, get_profile, owner_or_refusal
from tests.factories import NOW, TENANT_ID, a_call
from tests.fakes import fake_deps
from tests.unit.services.seeding import add_profile, profile_id, username

PHONE = Address(AddressKind.PHONE, "+255712345678")


def _count(deps: Deps) -> int:
    return len(deps.profiles.list(TENANT_ID, ProfileFilter(), 100, None).items)


def test_created_profile_is_stored_as_asked() -> None:
    deps = fake_deps()
    new = NewProfile("alice", "+255712345678", "crm/1", ("beta",), "sw-TZ", "Africa/Dar_es_Salaam")
    profile = create_profile(deps, a_call(), new)
    assert get_profile(deps, TENANT_ID, profile.id) == profile
    assert (profile.username, profile.phone_number, profile.external_id) == ("alice", "+255712345678", "crm/1")
    assert (profile.tags, profile.locale, profile.timezone, profile.created_at) == (("beta",), "sw-TZ", "Africa/Dar_es_Salaam", NOW)


def test_profile_without_a_name_can_be_made_twice() -> None:
    deps = fake_deps()
    assert create_profile(deps, a_call(), NewProfile()).id != create_profile(deps, a_call(), NewProfile()).id


@pytest.mark.parametrize("new", [NewProfile(username="alice"), NewProfile(username="other", phone_number=PHONE.value)])
def test_taken_name_is_a_conflict_and_stores_nothing(new: NewProfile) -> None:
    deps = fake_deps()
    add_profile(deps, username="alice", phone_number=PHONE.value)
    with pytest.raises(Conflict):
        create_profile(deps, a_call(), new)
    assert _count(deps) == 1


@pytest.mark.parametrize(("tenant", "wanted"), [(TENANT_ID, "nobody"), ("globex", "profile-1")])
def test_unknown_profile_and_another_tenants_are_not_found(tenant: str, wanted: str) -> None:
    deps = fake_deps()
    add_profile(deps)
    with pytest.raises(NotFound):
        get_profile(deps, tenant, wanted)


def test_known_people_are_found_and_unknown_ones_are_made() -> None:
    deps = fake_deps()
    alice = add_profile(deps, username="alice")
    found = find_or_create_profiles(deps, a_call(), [username("alice"), username("bob"), PHONE])
    assert found[username("alice")] == alice
    assert (found[username("bob")].username, found[username("bob")].phone_number) == ("bob", None)
    assert (found[PHONE].username, found[PHONE].phone_number) == (None, PHONE.value)
    assert find_or_create_profiles(deps, a_call(), [PHONE, username("bob")]) == {PHONE: found[PHONE], username("bob"): found[username("bob")]}
    assert _count(deps) == 3


def test_person_named_twice_is_made_once() -> None:
    deps = fake_deps()
    find_or_create_profiles(deps, a_call(), [username("bob"), username("bob")])
    assert _count(deps) == 1


def test_unknown_id_makes_nobody() -> None:
    deps = fake_deps()
    assert find_or_create_profiles(deps, a_call(), [profile_id("nobody")]) == {}
    assert _count(deps) == 0


def test_nobody_named_is_nobody_found() -> None:
    assert find_or_create_profiles(fake_deps(), a_call(), []) == {}


def test_unknown_user_of_an_app_is_made_under_its_external_id() -> None:
    deps = fake_deps()
    uid = Address(AddressKind.EXTERNAL, "uid-1")
    made = find_or_create_profiles(deps, a_call(), [uid])[uid]
    assert (made.username, made.phone_number, made.external_id) == (None, None, "uid-1")


def test_deleted_profile_is_found_and_can_own_no_device() -> None:
    deps = fake_deps()
    alice = add_profile(deps, username="alice", deleted_at=NOW)
    assert get_profile(deps, TENANT_ID, alice.id) == alice
    assert find_or_create_profiles(deps, a_call(), [username("alice")]) == {username("alice"): alice}
    assert isinstance(owner_or_refusal(alice), Conflict)


def test_what_is_left_of_an_erased_profile_is_like_none() -> None:
    deps = fake_deps()
    left = add_profile(deps, username=None, deleted_at=NOW, erased_at=NOW)
    with pytest.raises(NotFound):
        get_profile(deps, TENANT_ID, left.id)
    assert str(owner_or_refusal(left)) == str(owner_or_refusal(None))
