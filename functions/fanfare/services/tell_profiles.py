"""Telling devices of the topics of the profiles that own them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from fanfare.domain.audit import AuditEntry
from fanfare.domain.batches import split
from fanfare.domain.device import Device
from fanfare.domain.ownership import tell_owner
from fanfare.domain.profile import Profile
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_telling

PAGE = 100
PROFILES_AT_ONCE = 30
"""So many alternatives may a query have."""


def _stays(_: Device) -> Device | None:
    return None


def tell_devices(
    deps: Deps,
    tenant: str,
    profile_ids: Sequence[str],
    *,
    also: Callable[[Device], Device | None] = _stays,
    audit: AuditEntry | None = None,
    most: int | None = None,
) -> Sequence[Device]:
    """Tell the devices of profiles what those are now, and change them further by a pure decision.

    Returns those that were changed, as they were read. Not many more than `most` devices are looked at.
    """
    changed: list[Device] = []
    looked_at, telling = 0, device_telling(deps, tenant, audit.actor.request_id if audit is not None else None)
    for piece in split(profile_ids, PROFILES_AT_ONCE):
        owners = {profile.id: profile for profile in deps.profiles.get_many(tenant, piece)}
        decide = partial(_told, owners=owners, also=also, now=deps.clock.now())
        for devices in _pages(deps, tenant, piece):
            if most is not None and looked_at >= most:
                return changed
            looked_at += len(devices)
            by_id = {device.id: device for device in devices if decide(device) is not None}
            told = deps.devices.update_many(tenant, list(by_id), decide, audit, announce=telling.announce)
            telling.nudge()
            changed += [by_id[device_id] for device_id in told]
    return changed


def _told(device: Device, *, owners: Mapping[str, Profile], also: Callable[[Device], Device | None], now: datetime) -> Device | None:
    told = device
    for owner in device.profile_ids:
        if owner in owners:
            told = tell_owner(told, owners[owner], now) or told
    if any(owner in owners for owner in device.profile_ids):
        told = also(told) or told
    return told if told is not device else None


def _pages(deps: Deps, tenant: str, profile_ids: Sequence[str]) -> Iterator[Sequence[Device]]:
    page = deps.subscriptions.list_of_profiles(tenant, profile_ids, PAGE, None)
    yield page.items
    while page.next_after is not None:
        page = deps.subscriptions.list_of_profiles(tenant, profile_ids, PAGE, page.next_after)
        yield page.items
