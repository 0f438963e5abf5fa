"""Profiles: what each is named by."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.profile import addresses_of, names_of
from tests.factories import a_profile

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
