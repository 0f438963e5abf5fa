"""Whether a device receives: activate it, deactivate it, or erase it for good."""

from __future__ import annotations

from collections.abc import Callable

from fanfare.domain.audit import AuditEntry, trail
from fanfare.domain.call import Call
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.errors import NotFound
from fanfare.domain.registration import deactivate, revive
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_telling
from fanfare.services.devices import get_device
from fanfare.services.leave_fcm import say_farewell
from fanfare.services.nudge_topics import nudge_devices
from fanfare.services.own_devices import check_own


def activate_device(deps: Deps, call: Call, device_id: str) -> Device:
    """Let a device receive again, also a deleted one; NotFound. While all its owners are deleted it waits for one to be restored."""

    def decide(device: Device) -> Device | None:
        revived = revive(device)
        return None if revived == device else revived

    return _change(deps, call, device_id, "device.activated", decide)


def deactivate_device(deps: Deps, call: Call, device_id: str) -> Device:
    """Let a device receive nothing; NotFound. One that is retired or deactivated already stays as it is."""
    now = deps.clock.now()

    def decide(device: Device) -> Device | None:
        # A device that waits for its profile would receive again with it.
        would_receive = device.active or device.inactive_reason is InactiveReason.PROFILE_DELETED
        return deactivate(device, InactiveReason.DEACTIVATED, now) if would_receive else None

    return _change(deps, call, device_id, "device.deactivated", decide)


def erase_device(deps: Deps, call: Call, device_id: str) -> None:
    """Wipe a device at once and for good, a deleted one too; erasing it again is no error. NotFound if there never was one."""
    devices = deps.devices.get(call.tenant, [device_id])
    for device in devices:
        check_own(deps, call, device)
    entry, telling = AuditEntry("device.erased", call.actor, deps.clock.now(), (device_id,)), device_telling(deps, call.tenant, call.request_id)
    if not deps.devices.erase(call.tenant, [device_id], entry, announce=telling.announce):
        raise NotFound.of("device")
    telling.nudge()
    say_farewell(deps, call.tenant, devices)


def _change(deps: Deps, call: Call, device_id: str, action: str, decide: Callable[[Device], Device | None]) -> Device:
    for device in deps.devices.get(call.tenant, [device_id]):
        check_own(deps, call, device)
    audit, telling = trail(action, call.actor, deps.clock.now()), device_telling(deps, call.tenant, call.request_id)
    if deps.devices.update(call.tenant, device_id, decide, audit, announce=telling.announce) is None:
        raise NotFound.of("device")
    telling.nudge()
    stored = get_device(deps, call.tenant, device_id)
    if stored.topic_sync.pending:
        nudge_devices(deps, call.tenant, [device_id], call.request_id)
    return stored
