"""What every profile store does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.filters import ProfileFilter
from fanfare.domain.profile import Profile
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_profile

UNFILTERED = ProfileFilter()


def _full_profile(**fields: Any) -> Profile:
    return a_profile(
        **{
            "phone_number": "+255712345678",
            "external_id": "crm/4711",
            "tags": ("beta", "vip"),
            "locale": "sw-TZ",
            "timezone": "Africa/Dar_es_Salaam",
            "created_at": NOW - timedelta(days=3),
            "addresses": (),
        }
        | fields
    )


def _listed(stores: Stores, tenant: str, filters: ProfileFilter = UNFILTERED) -> list[str]:
    return [profile.id for profile in stores.profiles.list(tenant, filters, 100, None).items]


def test_created_profile_is_found_with_every_field(stores: Stores, tenant: str) -> None:
    stored, created = stores.profiles.create(tenant, _full_profile())
    assert created
    assert stores.profiles.get(tenant, "profile-1") == stored
    assert (stored.username, stored.phone_number, stored.external_id) == ("user-of-profile-1", "+255712345678", "crm/4711")
    assert (stored.tags, stored.locale, stored.timezone) == (("beta", "vip"), "sw-TZ", "Africa/Dar_es_Salaam")
    assert stored.created_at == NOW - timedelta(days=3)


def test_each_name_and_the_id_have_a_hash_of_their_own(stores: Stores, tenant: str) -> None:
    stored, _ = stores.profiles.create(tenant, _full_profile())
    assert len(set(stored.addresses)) == 4
    assert not any(name in held for held in stored.addresses for name in ("user-of-profile-1", "712345678", "4711", "profile-1"))


def test_one_name_has_another_hash_in_another_tenant(stores: Stores, tenant: str, other_tenant: str) -> None:
    here, _ = stores.profiles.create(tenant, _full_profile())
    there, created = stores.profiles.create(other_tenant, _full_profile())
    assert created
    assert set(here.addresses).isdisjoint(there.addresses)


def test_unknown_profile_is_not_found(stores: Stores, tenant: str) -> None:
    assert stores.profiles.get(tenant, "profile-1") is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (AddressKind.PROFILE, "profile-1"),
        (AddressKind.USERNAME, "user-of-profile-1"),
        (AddressKind.PHONE, "+255712345678"),
        (AddressKind.EXTERNAL, "crm/4711"),
    ],
)
def test_profile_is_found_by_whatever_it_is_named_by(stores: Stores, tenant: str, kind: AddressKind, value: str) -> None:
    stored, _ = stores.profiles.create(tenant, _full_profile())
    assert stores.profiles.find(tenant, [Address(kind, value)]) == {Address(kind, value): stored}


@pytest.mark.parametrize("kind", [AddressKind.PROFILE, AddressKind.PHONE, AddressKind.EXTERNAL])
def test_a_username_names_nobody_as_another_kind_of_address(stores: Stores, tenant: str, kind: AddressKind) -> None:
    stores.profiles.create(tenant, _full_profile())
    assert stores.profiles.find(tenant, [Address(kind, "user-of-profile-1")]) == {}


def test_unknown_addresses_are_missing_from_the_answer(stores: Stores, tenant: str) -> None:
    stored, _ = stores.profiles.create(tenant, a_profile())
    known, unknown = Address(AddressKind.USERNAME, "user-of-profile-1"), Address(AddressKind.USERNAME, "nobody")
    assert stores.profiles.find(tenant, [unknown, known]) == {known: stored}
    assert stores.profiles.find(tenant, []) == {}


def test_two_names_of_one_profile_find_it_twice(stores: Stores, tenant: str) -> None:
    stored, _ = stores.profiles.create(tenant, _full_profile())
    names = [Address(AddressKind.USERNAME, "user-of-profile-1"), Address(AddressKind.PHONE, "+255712345678")]
    assert stores.profiles.find(tenant, names) == dict.fromkeys(names, stored)


def test_more_addresses_than_one_query_takes_are_all_found(stores: Stores, tenant: str) -> None:
    addresses = [Address(AddressKind.USERNAME, f"user-of-p{number}") for number in range(65)]
    for number in range(65):
        stores.profiles.create(tenant, a_profile(id=f"p{number}"))
    found = stores.profiles.find(tenant, addresses)
    assert {address: profile.id for address, profile in found.items()} == {address: f"p{number}" for number, address in enumerate(addresses)}


@pytest.mark.parametrize("name", [{"username": "alice"}, {"phone_number": "+255712345678"}, {"external_id": "crm/4711"}])
def test_taken_name_returns_its_holder_and_stores_nothing(stores: Stores, tenant: str, name: dict[str, str]) -> None:
    holder, _ = stores.profiles.create(tenant, a_profile(id="holder", **name))
    refused = a_profile(id="late", **{"username": "somebody-else"} | name)
    assert stores.profiles.create(tenant, refused) == (holder, False)
    assert _listed(stores, tenant) == ["holder"]
    if "username" not in name:
        assert stores.profiles.find(tenant, [Address(AddressKind.USERNAME, "somebody-else")]) == {}


def test_names_of_a_refused_profile_stay_free(stores: Stores, tenant: str) -> None:
    stores.profiles.create(tenant, a_profile(id="holder", username="alice"))
    stores.profiles.create(tenant, a_profile(id="refused", username="alice", phone_number="+255712345678"))
    _, created = stores.profiles.create(tenant, a_profile(id="next", username="bob", phone_number="+255712345678"))
    assert created


def test_of_two_holders_the_one_of_the_username_is_returned(stores: Stores, tenant: str) -> None:
    stores.profiles.create(tenant, a_profile(id="b", username="bob", phone_number="+255712345678"))
    alice, _ = stores.profiles.create(tenant, a_profile(id="a", username="alice"))
    assert stores.profiles.create(tenant, a_profile(id="late", username="alice", phone_number="+255712345678")) == (alice, False)


def test_taken_id_returns_its_profile(stores: Stores, tenant: str) -> None:
    first, _ = stores.profiles.create(tenant, a_profile(username=None))
    assert stores.profiles.create(tenant, a_profile(username=None, locale="de")) == (first, False)
    assert stores.profiles.get(tenant, "profile-1") == first


def test_two_simultaneous_creations_of_one_username_make_one_profile(stores: Stores, tenant: str) -> None:
    answers = race([lambda number=number: stores.profiles.create(tenant, a_profile(id=f"p{number}", username="alice")) for number in range(8)])
    assert [created for _, created in answers].count(True) == 1
    winner = next(profile for profile, created in answers if created)
    assert {profile.id for profile, _ in answers} == {winner.id}
    assert _listed(stores, tenant) == [winner.id]


def test_list_is_in_the_order_of_ids_and_stable_while_rows_are_inserted(stores: Stores, tenant: str) -> None:
    for profile_id in ("d", "B", "a", "-c", "1"):
        stores.profiles.create(tenant, a_profile(id=profile_id))
    first = stores.profiles.list(tenant, UNFILTERED, 2, None)
    assert [profile.id for profile in first.items] == ["-c", "1"]
    for profile_id in ("0", "A", "z"):
        stores.profiles.create(tenant, a_profile(id=profile_id))
    second = stores.profiles.list(tenant, UNFILTERED, 3, first.next_after)
    assert [profile.id for profile in second.items] == ["A", "B", "a"]
    third = stores.profiles.list(tenant, UNFILTERED, 3, second.next_after)
    assert ([profile.id for profile in third.items], third.next_after) == (["d", "z"], None)


def test_full_last_page_says_that_it_is_the_last(stores: Stores, tenant: str) -> None:
    for profile_id in ("a", "b"):
        stores.profiles.create(tenant, a_profile(id=profile_id))
    assert stores.profiles.list(tenant, UNFILTERED, 2, None).next_after is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (ProfileFilter(username="alice"), ["a"]),
        (ProfileFilter(phone_number="+1"), ["b"]),
        (ProfileFilter(external_id="x"), ["a"]),
        (ProfileFilter(username="alice", external_id="x"), ["a"]),
        (ProfileFilter(username="bob", phone_number="+1", external_id="y"), ["b"]),
        (ProfileFilter(username="alice", phone_number="+1"), []),
        (ProfileFilter(username="nobody"), []),
    ],
)
def test_filters_are_met_together(stores: Stores, tenant: str, filters: ProfileFilter, expected: list[str]) -> None:
    stores.profiles.create(tenant, a_profile(id="a", username="alice", external_id="x"))
    stores.profiles.create(tenant, a_profile(id="b", username="bob", external_id="y", phone_number="+1"))
    assert _listed(stores, tenant, filters) == expected


def test_tenants_see_nothing_of_each_other(stores: Stores, tenant: str, other_tenant: str) -> None:
    stores.profiles.create(tenant, _full_profile())
    assert stores.profiles.get(other_tenant, "profile-1") is None
    assert stores.profiles.find(other_tenant, [Address(AddressKind.USERNAME, "user-of-profile-1")]) == {}
    assert _listed(stores, other_tenant) == []


# Many at once


def _many(number: int, **fields: Any) -> list[tuple[Profile, None]]:
    return [(a_profile(id=f"many-{index}", username=f"many-{index}", **fields), None) for index in range(number)]


def test_profiles_that_are_made_together_are_found_by_their_names(stores: Stores, tenant: str, other_tenant: str) -> None:
    made = stores.profiles.create_many(tenant, _many(70))
    names = [Address(AddressKind.USERNAME, f"many-{index}") for index in range(70)]
    ids = [Address(AddressKind.PROFILE, f"many-{index}") for index in range(40, 80)]
    found = stores.profiles.find(tenant, [*names, *ids, Address(AddressKind.USERNAME, "nobody")])
    assert {address: profile.id for address, profile in found.items()} == {
        **{name: name.value for name in names},
        **{each: each.value for each in ids if int(each.value.removeprefix("many-")) < 70},
    }
    assert [found[name] for name in names] == list(made)
    assert stores.profiles.find(other_tenant, names) == {}


def test_profiles_of_which_one_has_a_name_that_is_taken_are_not_made(stores: Stores, tenant: str) -> None:
    assert stores.profiles.create(tenant, a_profile(id="first", username="many-1"))[1]
    assert stores.profiles.create_many(tenant, _many(3)) == []
    assert stores.profiles.get_many(tenant, ["many-0", "many-1", "many-2"]) == []
    twice = [(a_profile(id=name, username="twin"), None) for name in ("a", "b")]
    assert stores.profiles.create_many(tenant, twice) == []
