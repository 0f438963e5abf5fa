"""Profiles in cleanup: who was deleted softly long ago is erased for good, as `DELETE` with erasure does it."""

from __future__ import annotations

from fanfare.domain import spreading
from fanfare.domain.audit import trail
from fanfare.domain.expiry import is_profile_due
from fanfare.domain.profile import Profile, ProfileState
from fanfare.domain.retention import Cleaning, Kind, Swept
from fanfare.ports import Deps
from fanfare.services.settle_profile import settle_profile

PAGE = 20
"""A person may have hundreds of devices: a page is short."""


def erase_deleted(deps: Deps, cleaning: Cleaning) -> Swept:
    """Erase profiles that were deleted softly so long ago; one that was restored meanwhile stays."""
    before = cleaning.due[Kind.PROFILES]
    found = deps.retention.find_deleted_profiles(cleaning.tenant, before, PAGE)
    removed = sum(_erase(deps, cleaning, profile_id) for profile_id in found)
    return Swept(removed, len(found) == PAGE and removed > 0)


def _erase(deps: Deps, cleaning: Cleaning, profile_id: str) -> bool:
    before, now = cleaning.due[Kind.PROFILES], cleaning.now

    def decide(profile: Profile) -> Profile | None:
        return spreading.erase_profile(profile, now) if is_profile_due(profile, before) else None

    stored = deps.profiles.update(cleaning.tenant, profile_id, decide, trail("profile.erased", cleaning.actor, now))
    if stored is None or stored.state is not ProfileState.ERASED:
        return False
    # What is broken off here the schedule tick brings to its end.
    settle_profile(deps, cleaning.tenant, stored, cleaning.actor)
    return True
