"""Profiles: make one, find one, or make the one that a registration names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.errors import Conflict, NotFound
from fanfare.domain.profile import Profile
from fanfare.ports import Deps


@dataclass(frozen=True, slots=True)
class NewProfile:
    """What a profile is to be; at least one of the names should be given, or nobody can address it but by its id."""

    username: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    locale: str | None = None
    timezone: str | None = None


def create_profile(deps: Deps, tenant: str, new: NewProfile) -> Profile:
    """Store a profile; Conflict if another one holds one of its names."""
    profile, created = deps.profiles.create(tenant, _profile(deps, new))
    if not created:
        raise Conflict("Another profile has this username, phone number or external id.")
    return profile


def get_profile(deps: Deps, tenant: str, profile_id: str) -> Profile:
    """Find a profile; NotFound if the tenant has none of this id."""
    profile = deps.profiles.get(tenant, profile_id)
    if profile is None:
        raise NotFound("There is no such profile.")
    return profile


def find_or_create_profiles(deps: Deps, tenant: str, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
    """Find the profiles that addresses name and create those that are unknown. An unknown profile *id* is missing from the answer."""
    distinct = list(dict.fromkeys(addresses))
    found = dict(deps.profiles.find(tenant, distinct))
    for address in distinct:
        if address not in found and address.kind is not AddressKind.PROFILE:
            found[address], _ = deps.profiles.create(tenant, _profile(deps, _named(address)))
    return found


def _named(address: Address) -> NewProfile:
    return NewProfile(phone_number=address.value) if address.kind is AddressKind.PHONE else NewProfile(username=address.value)


def _profile(deps: Deps, new: NewProfile) -> Profile:
    return Profile(
        id=deps.identifiers.new_id(),
        created_at=deps.clock.now(),
        username=new.username,
        phone_number=new.phone_number,
        external_id=new.external_id,
        tags=new.tags,
        locale=new.locale,
        timezone=new.timezone,
    )
