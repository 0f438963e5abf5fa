"""Erasing what is kept of a person outside the profile itself: devices, and the name in notifications and schedules."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.address import AddressKind
from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Actor
from fanfare.domain.device import Device
from fanfare.domain.ownership import heed_owners
from fanfare.domain.profile import Profile, held_names
from fanfare.domain.registration import disown
from fanfare.domain.schedule import without_name
from fanfare.domain.subscribing import farewells_of
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_telling
from fanfare.services.leave_fcm import say_farewell
from fanfare.services.profile_devices import PAGE


def erase_traces(deps: Deps, tenant: str, profile: Profile, actor: Actor) -> None:
    """Wipe the devices that only this profile owns, take it from those that it shares, and its usernames out of notifications and schedules.

    What its own app could listen to goes with them.

    Each page that is done leaves fewer, so whoever is interrupted can begin again.
    """
    while devices := deps.devices.list_of_profile(tenant, profile.id, PAGE, None).items:
        _erase_devices(deps, tenant, profile, devices, actor)
    while deps.notifications.forget_viewer(tenant, profile.id, PAGE):
        continue
    for name in held_names(profile):
        while name.kind is AddressKind.USERNAME and deps.notifications.forget_username(tenant, name.value, PAGE):
            continue
        while name.kind is AddressKind.USERNAME and (found := deps.schedules.find_addressed(tenant, name.value, PAGE)):
            _forget_in_schedules(deps, tenant, found, name.value, actor)


def _forget_in_schedules(deps: Deps, tenant: str, schedule_ids: Sequence[str], username: str, actor: Actor) -> None:
    told = trail("schedule.updated", actor, deps.clock.now())
    for schedule_id in schedule_ids:
        deps.schedules.update(tenant, schedule_id, lambda schedule: without_name(schedule, username), told)


def _erase_devices(deps: Deps, tenant: str, profile: Profile, devices: Sequence[Device], actor: Actor) -> None:
    now = deps.clock.now()
    shared = [device.id for device in devices if len(device.owners) > 1]
    alone = [device.id for device in devices if len(device.owners) == 1]

    def leave(device: Device) -> Device | None:
        # One that its other owner left meanwhile is not orphaned: the next page erases it.
        is_shared = profile.id in device.profile_ids and len(device.owners) > 1
        return heed_owners(disown(device, profile.id), now) if is_shared else None

    def is_alone(device: Device) -> bool:
        # One that moved to somebody else meanwhile, or that somebody shares by now, is not this profile's to wipe.
        return device.profile_ids == (profile.id,)

    telling = device_telling(deps, tenant, actor.request_id)
    deps.devices.update_many(tenant, shared, leave, AuditEntry("device.updated", actor, now), announce=telling.announce)
    deps.devices.erase(tenant, alone, AuditEntry("device.erased", actor, now), only_if=is_alone, announce=telling.announce)
    telling.nudge()
    subscribed = [device for device in devices if device.id in alone and farewells_of(device)]
    spared = {device.id for device in deps.devices.get(tenant, [device.id for device in subscribed])} if subscribed else set()
    say_farewell(deps, tenant, [device for device in subscribed if device.id not in spared])
