"""Profiles: what each is named by."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.profile import ProfileState, Spread, Stage, addresses_of, held_names, names_of
from tests.factories import NOW, a_profile

USERNAME = Address(AddressKind.USERNAME, "alice")
PHONE = Address(AddressKind.PHONE, "+255712345678")
EXTERNAL = Address(AddressKind.EXTERNAL, "crm-7")

NAMED: list[tuple[dict[str, Any], tuple[Address, ...]]] = [
    ({}, ()),
    ({"username": "alice"}, (USERNAME,)),
    ({"phone_number": "+255712345678"}, (PHONE,)),
    ({"external_id": "crm-7"}, (EXTERNAL,)),
    ({"external_id": "crm-7", "username": "alice", "phone_number": "+255712345678"}, (USERNAME, PHONE, EXTERNAL)),
]


@pytest.mark.parametrize(("given", "names"), NAMED)
def test_names_are_what_was_given(given: dict[str, Any], names: tuple[Address, ...]) -> None:
    assert names_of(a_profile(**{"username": None} | given)) == names


@pytest.mark.parametrize(("given", "names"), NAMED)
def test_profile_is_addressed_by_its_id_and_its_names(given: dict[str, Any], names: tuple[Address, ...]) -> None:
    profile = a_profile(**{"id": "p1", "username": None} | given)
    assert addresses_of(profile) == (Address(AddressKind.PROFILE, "p1"), *names)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, ProfileState.ACTIVE),
        ({"deleted_at": NOW}, ProfileState.DELETED),
        ({"deleted_at": NOW, "erased_at": NOW}, ProfileState.ERASED),
    ],
)
def test_state_follows_from_what_happened(fields: dict[str, Any], state: ProfileState) -> None:
    assert a_profile(**fields).state is state


@pytest.mark.parametrize(("stage", "addressed"), [(Stage.JOINING, True), (Stage.REPLACING, False)])
def test_a_former_name_is_held_and_while_joining_addressed(stage: Stage, addressed: bool) -> None:  # noqa: FBT001 - a row of the table
    profile = a_profile(username="alice", spread=Spread(1, stage, (PHONE,)))
    assert held_names(profile) == (USERNAME, PHONE)
    assert (PHONE in addresses_of(profile)) is addressed
