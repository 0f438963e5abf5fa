"""What is told of devices: one event for each commit and kind, with all of its devices.

| a device | event |
|---|---|
| is new | device.registered |
| received and does no more, whatever the reason; or it is erased | device.deactivated, with the reason |
| received nothing and does again | device.revived |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fanfare.domain.device import Device
from fanfare.domain.event import EventKind
from fanfare.domain.registration import RegistrationPlan

DEVICE_KINDS = (EventKind.DEVICE_REGISTERED, EventKind.DEVICE_DEACTIVATED, EventKind.DEVICE_REVIVED)
ERASED = "erased"
"""The reason of a device that is none any more; the others are those that it has itself."""
States = tuple[Device | None, Device | None]
"""A device as it was (None: it is new) and as it becomes (None: it is erased)."""


def states_of(plans: Iterable[RegistrationPlan]) -> Iterator[States]:
    """The states of all devices that plans store."""
    for plan in plans:
        yield plan.previous, plan.device
        if plan.displaced is not None:
            yield plan.displaced.before, plan.displaced.after


def told_devices(states: Iterable[States]) -> dict[EventKind, list[dict[str, Any]]]:
    """What is told of devices, by the kind of event; kinds that nothing is told of are missing."""
    told: dict[EventKind, list[dict[str, Any]]] = {}
    for before, after in states:
        kind, device = _kind_of(before, after), after or before
        if kind is not None and device is not None:
            told.setdefault(kind, []).append(_device(device, _reason(after) if kind is EventKind.DEVICE_DEACTIVATED else None))
    return told


def _kind_of(before: Device | None, after: Device | None) -> EventKind | None:
    if before is None:
        return EventKind.DEVICE_REGISTERED
    receives = after is not None and after.active
    if before.active == receives:
        return None
    return EventKind.DEVICE_REVIVED if receives else EventKind.DEVICE_DEACTIVATED


def _reason(after: Device | None) -> str | None:
    if after is None:
        return ERASED
    return after.inactive_reason.value if after.inactive_reason is not None else None


def _device(device: Device, reason: str | None) -> dict[str, Any]:
    shown = {"id": device.id, "platform": device.platform.value, "profile_ids": list(device.profile_ids)}
    return shown if reason is None else {**shown, "reason": reason}
