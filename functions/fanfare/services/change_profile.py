"""Changing, deleting, restoring and erasing a profile: one commit decides, then its devices are told, then the caller is answered.

A call that fails between the two leaves a profile that is what it is to be, and devices that are still reached as before; the same call again, any
other call that writes the profile, or the schedule tick goes on from there (domain/spreading.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from fanfare.domain import spreading
from fanfare.domain.audit import Trail, trail
from fanfare.domain.call import Call
from fanfare.domain.errors import NotFound
from fanfare.domain.profile import Profile, ProfileState, Spread
from fanfare.domain.spreading import ProfileChanges
from fanfare.ports import Deps
from fanfare.services.settle_profile import settle_profile


def update_profile(deps: Deps, call: Call, profile_id: str, changes: ProfileChanges) -> Profile:
    """Change what is given and leave the rest; a device of it is reached by either name until the answer, and by the new one alone afterwards.

    NotFound if there is none, Conflict if it is deleted or another profile holds one of the names.
    """
    return _change(deps, call, profile_id, "profile.updated", partial(_update, changes))


def delete_profile(deps: Deps, call: Call, profile_id: str) -> None:
    """Delete a profile softly: it receives nothing, its devices and its names stay. Devices that it shares are reached through the others."""
    _change(deps, call, profile_id, "profile.deleted", spreading.delete_profile)


def restore_profile(deps: Deps, call: Call, profile_id: str) -> Profile:
    """Undo a deletion; devices that receive nothing for another reason still receive nothing."""
    return _change(deps, call, profile_id, "profile.restored", spreading.restore_profile)


def erase_profile(deps: Deps, call: Call, profile_id: str) -> None:
    """Erase at once and for good: names, devices that nobody else owns, its username in notifications. Erasing again goes on where that stopped."""
    change = partial(_decide, spreading.erase_profile, deps.clock.now(), hide_erased=False)
    _perform(deps, call, profile_id, "profile.erased", change)


_Change = Callable[[Profile, datetime], Profile | None]


def _change(deps: Deps, call: Call, profile_id: str, action: str, change: _Change) -> Profile:
    return _perform(deps, call, profile_id, action, partial(_decide, change, deps.clock.now(), hide_erased=True))


def _perform(deps: Deps, call: Call, profile_id: str, action: str, decide: Callable[[Profile], Profile | None]) -> Profile:
    changed = deps.profiles.update(call.tenant, profile_id, decide, _trail(deps, call, action))
    if changed is None:
        raise NotFound.of("profile")
    return settle_profile(deps, call.tenant, changed, call.actor)


def _decide(change: _Change, now: datetime, profile: Profile, *, hide_erased: bool) -> Profile | None:
    if hide_erased and profile.state is ProfileState.ERASED:
        raise NotFound.of("profile")
    return change(profile, now)


def _update(changes: ProfileChanges, profile: Profile, now: datetime) -> Profile | None:
    return spreading.change_profile(profile, changes, now)


def _trail(deps: Deps, call: Call, action: str) -> Trail:
    """Tell of the person and not of how far the devices know of it."""
    made = trail(action, call.actor, deps.clock.now())
    return lambda before, after: made(_person(before), _person(after))


def _person(profile: Profile) -> Profile:
    return replace(profile, spread=Spread(), addresses=())
