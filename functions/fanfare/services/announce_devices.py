"""The events of devices that are registered, receive nothing any more or receive again, if somebody wants them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fanfare.domain.device import Device
from fanfare.domain.device_events import DEVICE_KINDS, States, told_devices
from fanfare.domain.event import Event
from fanfare.ports import Deps
from fanfare.services.new_events import Telling, is_any_wanted, make_events


def device_events(deps: Deps, tenant: str, states: Iterable[States], request_id: str) -> tuple[Event, ...]:
    """Announce what one commit does to devices: an event for each kind."""
    if not is_any_wanted(deps, tenant, DEVICE_KINDS):
        return ()
    return tuple(
        event
        for kind, devices in told_devices(states).items()
        for event in make_events(deps, tenant, kind, {"devices": devices}, request_id=request_id)
    )


def device_telling(deps: Deps, tenant: str, request_id: str | None) -> Telling:
    """Announces what writes do to devices."""

    def announce(before: Sequence[Device | None], after: Sequence[Device | None]) -> Sequence[Event]:
        return device_events(deps, tenant, zip(before, after, strict=True), request_id or "")

    return Telling(deps, announce)
