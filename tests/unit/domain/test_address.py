"""Addresses: names in clear, compared as values; hashing them takes a key and is not the domain's."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.address import Address, AddressKind

_kinds = st.sampled_from(AddressKind)


@given(_kinds, st.text(), _kinds, st.text())
def test_addresses_are_equal_only_with_equal_kind_and_name(kind: AddressKind, value: str, other_kind: AddressKind, other_value: str) -> None:
    equal = Address(kind, value) == Address(other_kind, other_value)
    assert equal == (kind is other_kind and value == other_value)


def test_one_name_of_two_kinds_is_two_addresses() -> None:
    assert len({Address(kind, "+255712345678") for kind in AddressKind}) == len(AddressKind)


def test_address_knows_nothing_but_its_kind_and_name() -> None:
    assert [field.name for field in fields(Address)] == ["kind", "value"]
