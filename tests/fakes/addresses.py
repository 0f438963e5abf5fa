"""The fake's keyed hash of a person's names: equal for equal names of one tenant, another one in another tenant."""

from __future__ import annotations

from fanfare.domain.address import Address
from fanfare.domain.identifiers import hash_identifier


def address_hash(tenant: str, address: Address) -> str:
    return hash_identifier("address", tenant, address.kind, address.value)
