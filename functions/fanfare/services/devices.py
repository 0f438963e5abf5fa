"""One device: show it, change it, delete it."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.address import Address
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.errors import Conflict, InvalidRequest, NotFound
from fanfare.domain.message import Platform
from fanfare.domain.registration import Details, RegistrationPlan, apply_details, deactivate, own
from fanfare.domain.target import Target
from fanfare.ports import Deps
from fanfare.services.profiles import find_or_create_profiles

_TRIES = 5


def get_device(deps: Deps, tenant: str, device_id: str) -> Device:
    """Find a device; NotFound if the tenant has none of this id, or a deleted one."""
    found = deps.devices.get(tenant, [device_id])
    if not found or found[0].inactive_reason is InactiveReason.DELETED:
        raise NotFound("There is no such device.")
    return found[0]


def update_device(
    deps: Deps, tenant: str, device_id: str, details: Details, *, target: Target | None, platform: Platform | None, profile: Address | None
) -> Device:
    """Change what is given and leave the rest. A new target replaces the old one; Conflict if another device has it."""
    for _ in range(_TRIES):
        before = get_device(deps, tenant, device_id)
        after = apply_details(replace(before, target=target or before.target, platform=platform or before.platform), details)
        after = _renamed(after, details.device_id) if profile is None else _moved(deps, tenant, after, profile, details.device_id)
        if deps.devices.save(tenant, [RegistrationPlan(after, before)]):
            return replace(after, updated_at=deps.clock.now())
    raise Conflict("Another device has this token, fid or device_id.")


def delete_device(deps: Deps, tenant: str, device_id: str) -> None:
    """Delete a device softly: it receives nothing and is listed nowhere; registering its target again revives it."""
    found = deps.devices.update(tenant, device_id, _decide_deletion)
    if found is None:
        raise NotFound("There is no such device.")


def _decide_deletion(device: Device) -> Device | None:
    deleted = device.inactive_reason is InactiveReason.DELETED
    return None if deleted else deactivate(device, InactiveReason.DELETED)


def _renamed(device: Device, device_id: str | None) -> Device:
    return device if device_id is None else replace(device, owners=tuple(replace(owner, installed_as=device_id) for owner in device.owners))


def _moved(deps: Deps, tenant: str, device: Device, address: Address, device_id: str | None) -> Device:
    profile = find_or_create_profiles(deps, tenant, [address]).get(address)
    if profile is None:
        raise InvalidRequest.at("profile_id", "names no profile")
    if profile.id in device.profile_ids:
        return _renamed(device, device_id)
    return own(replace(device, device_id=device_id), profile, shared=False, device_id=device_id)
