"""One device: find it, change it, delete it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fanfare.domain.address import Address
from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Call
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.device_events import states_of
from fanfare.domain.errors import Conflict, FanfareError, Forbidden, NotFound
from fanfare.domain.message import Platform
from fanfare.domain.ownership import heed_owners
from fanfare.domain.profile import Profile
from fanfare.domain.registration import Details, RegistrationPlan, apply_details, deactivate, disown, noted, own, retarget
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_events
from fanfare.services.new_events import nudge_deliveries
from fanfare.services.nudge_topics import nudge
from fanfare.services.own_devices import check_own, find_foreign
from fanfare.services.profiles import find_or_create_profiles, owner_or_refusal

_TRIES = 5


def get_device(deps: Deps, tenant: str, device_id: str) -> Device:
    """Find a device; NotFound if the tenant has none of this id, or a deleted one."""
    found = deps.devices.get(tenant, [device_id])
    if not found or found[0].is_deleted:
        raise NotFound.of("device")
    return found[0]


def get_own_device(deps: Deps, call: Call, device_id: str) -> Device:
    """Find a device that the caller may touch; NotFound, as `get_device`, also for another user's."""
    device = get_device(deps, call.tenant, device_id)
    check_own(deps, call, device)
    return device


def find_device(deps: Deps, tenant: str, target: Target) -> Device:
    """Find the device that has a target; NotFound if none has it, or a deleted one."""
    found = deps.devices.find_by_target(tenant, target)
    if found is None or found.is_deleted:
        raise NotFound.of("device")
    return found


def update_device(
    deps: Deps, call: Call, device_id: str, details: Details, *, target: Target | None, platform: Platform | None, profile: Address | None
) -> Device:
    """Change what is given and leave the rest. A new target replaces the old one; Conflict if another device has it.

    A user can't replace the target of a device that others share, or it would receive what is sent to them: Conflict, it may register the new one.
    """
    owner = _new_owner(deps, call, device_id, profile)
    for _ in range(_TRIES):
        before = get_own_device(deps, call, device_id)
        _check_shared(call, before, target)
        now = deps.clock.now()
        retargeted = retarget(before, target or before.target, now)
        after = apply_details(replace(retargeted, platform=platform or before.platform), details)
        after = _renamed(after, details.device_id) if owner is None else heed_owners(_moved(after, owner, details.device_id), now)
        plan = noted(RegistrationPlan(after, before))
        if _save(deps, call, plan, trail("device.updated", call.actor, now)(before, after)):
            return replace(plan.device, updated_at=now)
    raise Conflict("Another device has this token, fid or device_id.")


def delete_device(deps: Deps, call: Call, device_id: str) -> None:
    """Delete a device softly: it receives nothing and is listed nowhere; registering its target again revives it.

    A user who shares the device with others leaves it to them.
    """
    for _ in range(_TRIES):
        found = deps.devices.get(call.tenant, [device_id])
        if not found:
            raise NotFound.of("device")
        before, user, now = found[0], check_own(deps, call, found[0]), deps.clock.now()
        if before.is_deleted:
            return
        plan = noted(RegistrationPlan(_without(before, user, now), before))
        if _save(deps, call, plan, trail("device.deleted", call.actor, now)(before, plan.device)):
            return
    raise Conflict("Other changes of this device are under way.")


def _save(deps: Deps, call: Call, plan: RegistrationPlan, entry: AuditEntry) -> bool:
    """Store a device and nudge what follows from it; False if it was changed meanwhile, or what it wants is taken."""
    entry = replace(entry, events=device_events(deps, call.tenant, states_of([plan]), call.request_id))
    if not deps.devices.save(call.tenant, [plan], entry):
        return False
    nudge(deps, call.tenant, [plan], call.request_id)
    nudge_deliveries(deps, entry.events)
    return True


def _new_owner(deps: Deps, call: Call, device_id: str, address: Address | None) -> Profile | None:
    """The profile that a device moves to, made if it has to be; not for a device that is not there, nor for a user who names another."""
    if address is None:
        return None
    get_own_device(deps, call, device_id)
    if find_foreign(deps, call, [address]):
        raise Forbidden("A user may keep devices for itself only.")
    owner = owner_or_refusal(find_or_create_profiles(deps, call, [address]).get(address))
    if isinstance(owner, FanfareError):
        raise owner
    return owner


def _check_shared(call: Call, device: Device, target: Target | None) -> None:
    if call.user is not None and len(device.owners) > 1 and target not in {None, device.target}:
        raise Conflict("Others share this device: register the new token or fid instead.")


def _without(device: Device, user: Profile | None, now: datetime) -> Device:
    """A device that is deleted: for everybody, or where a user shares it for that user alone."""
    if user is not None and len(device.owners) > 1:
        return heed_owners(disown(device, user.id), now)
    return deactivate(device, InactiveReason.DELETED, now)


def _renamed(device: Device, device_id: str | None) -> Device:
    return device if device_id is None else replace(device, owners=tuple(replace(owner, installed_as=device_id) for owner in device.owners))


def _moved(device: Device, profile: Profile, device_id: str | None) -> Device:
    if profile.id in device.profile_ids:
        return _renamed(device, device_id)
    return own(replace(device, device_id=device_id), profile, shared=False, device_id=device_id)
