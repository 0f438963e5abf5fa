"""What a device knows of the profiles that own it, and whether it receives anything because of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fanfare.domain.device import Device, InactiveReason, Owner
from fanfare.domain.profile import Profile, ProfileState
from fanfare.domain.subscribing import follow_owners


def owner_of(profile: Profile, installed_as: str | None = None) -> Owner:
    """Make the owner that a device remembers of a profile; one that is deleted can be addressed by nothing."""
    suspended = profile.state is not ProfileState.ACTIVE
    addresses, topics = ((), ()) if suspended else (profile.addresses, profile.topics)
    return Owner(profile.id, profile.username, addresses, installed_as, profile.spread.version, suspended, topics)


def with_owners(device: Device, owners: tuple[Owner, ...]) -> Device:
    """Give a device these owners; it follows them into their topics, and out of those of owners whom it loses."""
    return follow_owners(device, replace(device, owners=owners))


def latest_owner(known: Owner | None, told: Owner) -> Owner:
    """What a device remembers when it is told of an owner: the later state, whichever comes first."""
    return replace(known, installed_as=told.installed_as) if known is not None and known.version > told.version else told


def tell_owner(device: Device, profile: Profile, now: datetime) -> Device | None:
    """Tell a device what its owner is now; None if that changes nothing."""
    told = heed_owners(with_owners(device, tuple(_told(owner, profile) for owner in device.owners)), now)
    return told if told != device else None


def heed_owners(device: Device, now: datetime) -> Device:
    """Let a device receive nothing while all its owners are deleted, and again afterwards if it was for nothing else."""
    if has_living_owner(device):
        if device.inactive_reason is not InactiveReason.PROFILE_DELETED:
            return device
        return replace(device, active=True, inactive_reason=None, inactive_since=None)
    return replace(device, active=False, inactive_reason=InactiveReason.PROFILE_DELETED, inactive_since=now) if device.active else device


def has_living_owner(device: Device) -> bool:
    """Tell whether anybody owns a device who is not deleted; one that nobody owns is held back by nobody's deletion."""
    return not device.owners or any(not owner.suspended for owner in device.owners)


def as_reached(device: Device) -> Device:
    """A device as a send or a filter sees it: without owners who are deleted, whom it does not reach."""
    living = tuple(owner for owner in device.owners if not owner.suspended)
    return device if living == device.owners else replace(device, owners=living)


def _told(owner: Owner, profile: Profile) -> Owner:
    return latest_owner(owner, owner_of(profile, owner.installed_as)) if owner.profile_id == profile.id else owner
