"""Changes of a profile, and how they come to its devices, which remember its names' hashes so that a send needs no look at the profile.

| stage | the profile's `addresses` | its devices are given |
|---|---|---|
| joining | new names and former ones | the new names beside the former: all are still reached by a former name, more and more by the new |
| replacing | new names | the new names alone (a deleted profile: none at all) |
| settled | new names | nothing; the locks of the former names are released with this step |

Each step is one guarded commit of the profile, taken when the stage's devices are done. So a crash leaves a stage behind that the next call goes on
with; until the end no other profile can take a former name, and nobody else's push reaches these devices. The version grows with each step
and a device never goes back to an older one, so any number of callers may do this at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypedDict

from fanfare.domain.errors import Conflict, InvalidRequest
from fanfare.domain.profile import Profile, ProfileState, Spread, Stage, names_of

SETTLE_AFTER = timedelta(minutes=2)
"""When to look at the devices again: a registration that had read the profile before its change has ended by then."""


class ProfileChanges(TypedDict, total=False):
    """What is to change of a profile; what is not given stays, None takes it away."""

    username: str | None
    phone_number: str | None
    external_id: str | None
    tags: tuple[str, ...]
    locale: str | None
    timezone: str | None


def change_profile(profile: Profile, changes: ProfileChanges, now: datetime) -> Profile | None:
    """Change what is given; None if that is nothing. Conflict if the profile is deleted, InvalidRequest if no name would be left."""
    if profile.state is not ProfileState.ACTIVE:
        raise Conflict("The profile is deleted; restore it first.")
    changed = replace(profile, **changes)
    if changed == profile:
        return None
    if not names_of(changed):
        raise InvalidRequest.at("username", "a profile keeps at least one of username, phone_number, external_id")
    return changed if names_of(changed) == names_of(profile) else _renamed(profile, changed, now)


def delete_profile(profile: Profile, now: datetime) -> Profile | None:
    """Delete softly: it receives nothing, its devices and names stay. None if it is deleted already."""
    return _spread(replace(profile, deleted_at=now), now) if profile.state is ProfileState.ACTIVE else None


def restore_profile(profile: Profile, now: datetime) -> Profile | None:
    """Undo a deletion; None if there is none."""
    return _spread(replace(profile, deleted_at=None), now) if profile.state is ProfileState.DELETED else None


def erase_profile(profile: Profile, now: datetime) -> Profile | None:
    """Begin to erase; from here on it can't be restored. None if that has begun already."""
    return None if profile.state is ProfileState.ERASED else _spread(replace(profile, deleted_at=profile.deleted_at or now, erased_at=now), now)


def take_step(profile: Profile) -> Profile | None:
    """Go to the next stage, this one's devices being done; None if there is none. An erased profile is wiped with the last one."""
    if profile.spread.stage is Stage.SETTLED:
        return None
    if profile.spread.stage is Stage.JOINING:
        return replace(profile, spread=replace(profile.spread, stage=Stage.REPLACING, version=profile.spread.version + 1))
    settled = replace(profile, spread=replace(profile.spread, stage=Stage.SETTLED, former=()))
    return _wiped(settled) if profile.state is ProfileState.ERASED else settled


def end_check(seen: Spread, profile: Profile) -> Profile | None:
    """Forget that somebody must look, now that somebody has; None if it was changed since."""
    return replace(profile, spread=replace(seen, check_at=None)) if profile.spread == seen else None


def _renamed(profile: Profile, changed: Profile, now: datetime) -> Profile:
    kept = names_of(changed)
    former = tuple(name for name in dict.fromkeys((*profile.spread.former, *names_of(profile))) if name not in kept)
    stage = Stage.JOINING if former else Stage.REPLACING
    return replace(changed, spread=Spread(profile.spread.version + 1, stage, former, now + SETTLE_AFTER))


def _spread(profile: Profile, now: datetime) -> Profile:
    return replace(profile, spread=Spread(profile.spread.version + 1, Stage.REPLACING, profile.spread.former, now + SETTLE_AFTER))


def _wiped(profile: Profile) -> Profile:
    """What is left of an erased profile: its id and times, nothing of the person."""
    return replace(profile, username=None, phone_number=None, external_id=None, tags=(), topics=(), locale=None, timezone=None)
