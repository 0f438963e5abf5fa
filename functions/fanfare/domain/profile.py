"""A person (or account) that owns devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fanfare.domain.address import Address, AddressKind


@dataclass(frozen=True, slots=True)
class Profile:
    """One person of a tenant. Username, phone number and external id are each unique within the tenant.

    `addresses` are keyed hashes of everything it is named by; the store fills them in.
    """

    id: str
    created_at: datetime
    username: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    locale: str | None = None
    timezone: str | None = None
    addresses: tuple[str, ...] = ()


def names_of(profile: Profile) -> tuple[Address, ...]:
    """List the names that no other profile of the tenant may hold."""
    given = (
        (AddressKind.USERNAME, profile.username),
        (AddressKind.PHONE, profile.phone_number),
        (AddressKind.EXTERNAL, profile.external_id),
    )
    return tuple(Address(kind, value) for kind, value in given if value is not None)


def addresses_of(profile: Profile) -> tuple[Address, ...]:
    """List everything a caller may name this profile by: its id and its names."""
    return (Address(AddressKind.PROFILE, profile.id), *names_of(profile))
