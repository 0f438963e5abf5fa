"""Bringing a profile's change to its devices, stage by stage (domain/spreading.py says why in this order)."""

from __future__ import annotations

from functools import partial

from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.errors import Unavailable
from fanfare.domain.ownership import tell_owner
from fanfare.domain.profile import Profile, ProfileState, Spread, Stage
from fanfare.domain.registration import RegistrationPlan, noted
from fanfare.domain.spreading import end_check, take_step
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_telling
from fanfare.services.erase_traces import erase_traces
from fanfare.services.nudge_topics import nudge
from fanfare.services.profile_devices import pages_of_devices

MOST_CHECKED = 100
_SWEEPER = Actor(ActorKind.FUNCTION, "schedule")


def settle_profile(deps: Deps, tenant: str, profile: Profile, actor: Actor) -> Profile:
    """Go on until every device knows what its profile is, and return the profile as it is then.

    Another caller may do the same at once, or change the profile again: whoever comes last sees the last change through.
    """
    while profile.spread.stage is not Stage.SETTLED:
        _tell_devices(deps, tenant, profile, actor)
        stored = deps.profiles.update(tenant, profile.id, partial(_step_from, profile.spread))
        if stored is None:
            return profile
        profile = stored
    return profile


def settle_profiles(deps: Deps) -> int:
    """Settle, in all tenants, what was changed two minutes ago; returns how many profiles were looked at.

    A caller that began may have failed, and a registration that had read the profile before its change may have stored a device after the devices
    were told: both are mended here. An erased profile's last trace, its id, goes with this.
    """
    found = deps.profiles.find_unsettled(deps.clock.now(), MOST_CHECKED)
    for tenant, profile_id in found:
        try:
            _check(deps, tenant, profile_id)
        except Unavailable:
            # One that other writers keep from being settled must not keep the others waiting; the next tick looks again.
            deps.log.warning("profile_unsettled", tenant=tenant, profile_id=profile_id)
    return len(found)


def _check(deps: Deps, tenant: str, profile_id: str) -> None:
    stored = deps.profiles.get(tenant, profile_id)
    if stored is None or stored.spread.check_at is None:
        return
    settled = settle_profile(deps, tenant, stored, _SWEEPER)
    _tell_devices(deps, tenant, settled, _SWEEPER)
    if settled.state is ProfileState.ERASED:
        deps.profiles.remove(tenant, settled)
    else:
        deps.profiles.update(tenant, profile_id, partial(end_check, settled.spread))


def _step_from(seen: Spread, stored: Profile) -> Profile | None:
    return take_step(stored) if stored.spread == seen else None


def _tell_devices(deps: Deps, tenant: str, profile: Profile, actor: Actor) -> None:
    if profile.state is ProfileState.ERASED:
        erase_traces(deps, tenant, profile, actor)
        return
    tell = partial(tell_owner, profile=profile, now=deps.clock.now())
    telling = device_telling(deps, tenant, actor.request_id)
    for devices in pages_of_devices(deps, tenant, profile.id):
        plans = [noted(RegistrationPlan(told, device)) for device in devices if (told := tell(device)) is not None]
        deps.devices.update_many(tenant, [plan.device.id for plan in plans], tell, announce=telling.announce)
        telling.nudge()
        nudge(deps, tenant, plans, actor.request_id or "")
