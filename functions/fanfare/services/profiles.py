"""Profiles: make one, find one, or make the one that a registration names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.batches import split
from fanfare.domain.call import Call
from fanfare.domain.errors import Conflict, FanfareError, InvalidRequest, NotFound
from fanfare.domain.profile import Profile, ProfileState, names_of
from fanfare.ports import Deps

CREATED_AT_ONCE = 100
"""Profiles of one commit: with a lock and an audit entry each, well below Firestore's limits."""


@dataclass(frozen=True, slots=True)
class NewProfile:
    """What a profile is to be; at least one of the names should be given, or nobody can address it but by its id."""

    username: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    locale: str | None = None
    timezone: str | None = None


def create_profile(deps: Deps, call: Call, new: NewProfile) -> Profile:
    """Store a profile; Conflict if another one holds one of its names."""
    profile, created = _create(deps, call, new)
    if not created:
        raise Conflict("Another profile has this username, phone number or external id.")
    return profile


def get_profile(deps: Deps, tenant: str, profile_id: str) -> Profile:
    """Find a profile, also a deleted one, which may be restored; NotFound if the tenant has none of this id or has erased it."""
    profile = deps.profiles.get(tenant, profile_id)
    if profile is None or profile.state is ProfileState.ERASED:
        raise NotFound.of("profile")
    return profile


def find_or_create_profiles(deps: Deps, call: Call, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
    """Find the profiles that addresses name, in whatever state, and create those that are unknown. An unknown profile *id* is missing."""
    distinct = list(dict.fromkeys(addresses))
    found = dict(deps.profiles.find(call.tenant, distinct))
    unknown = [address for address in distinct if address not in found and address.kind is not AddressKind.PROFILE]
    for piece in split(unknown, CREATED_AT_ONCE):
        found.update(_create_all(deps, call, piece))
    return found


def _create_all(deps: Deps, call: Call, addresses: Sequence[Address]) -> Mapping[Address, Profile]:
    """Make a profile for each address: all at once, or each by itself if somebody else makes one of them."""
    new = [_profile(deps, _named(address)) for address in addresses]
    created = deps.profiles.create_many(call.tenant, [(profile, _entry(call, profile)) for profile in new])
    if created:
        return dict(zip(addresses, created, strict=True))
    return {address: deps.profiles.create(call.tenant, profile, _entry(call, profile))[0] for address, profile in zip(addresses, new, strict=True)}


def owner_or_refusal(profile: Profile | None) -> Profile | FanfareError:
    """Tell whether a device may be registered for a profile.

    Not for a deleted one: an app registers by itself whenever it starts, which must not undo what somebody decided. It may after `/restore`.
    """
    if profile is None or (profile.state is ProfileState.ERASED and not names_of(profile)):
        return InvalidRequest.at("profile_id", "names no profile")
    return profile if profile.state is ProfileState.ACTIVE else Conflict("The profile is deleted; restore it first.")


def _create(deps: Deps, call: Call, new: NewProfile) -> tuple[Profile, bool]:
    profile = _profile(deps, new)
    return deps.profiles.create(call.tenant, profile, _entry(call, profile))


def _entry(call: Call, profile: Profile) -> AuditEntry:
    return trail("profile.created", call.actor, profile.created_at)(None, profile)


def _named(address: Address) -> NewProfile:
    match address.kind:
        case AddressKind.PHONE:
            return NewProfile(phone_number=address.value)
        case AddressKind.EXTERNAL:
            return NewProfile(external_id=address.value)
        case _:
            return NewProfile(username=address.value)


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
