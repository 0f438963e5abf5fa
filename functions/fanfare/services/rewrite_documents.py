"""The phases of a rotation of keys in which documents are written anew, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fanfare.domain.device import Device
from fanfare.domain.ownership import tell_owner
from fanfare.domain.profile import Profile, ProfileState
from fanfare.domain.tenant import Tenant
from fanfare.domain.webhook import MOST_WEBHOOKS
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_telling

PAGE = 100
"""Documents of one commit: with two locks for each name and target, well below Firestore's limits."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was done of a phase in one step: how many documents, and after which one it goes on (None: it is done)."""

    done: int
    cursor: str | None


def rewrite_profiles(deps: Deps, tenant: Tenant, after: str | None) -> Piece:
    """Write profiles anew as they are, under the index keys that are written now."""
    page = deps.profiles.list_stored(tenant.id, PAGE, after)
    deps.profiles.rewrite(tenant.id, page.items)
    return Piece(len(page.items), page.next_after)


def fill_devices(deps: Deps, tenant: Tenant, after: str | None) -> Piece:
    """Write devices anew, with what their owners are now: only those know the names whose hashes a device has."""
    page = deps.devices.list_stored(tenant.id, PAGE, after)
    owners = deps.profiles.get_many(tenant.id, list(dict.fromkeys(owner for device in page.items for owner in device.profile_ids)))
    known = [profile for profile in owners if profile.state is not ProfileState.ERASED]
    tell, telling = partial(_told, owners=known, now=deps.clock.now()), device_telling(deps, tenant.id, None)
    deps.devices.update_many(tenant.id, [device.id for device in page.items], tell, announce=telling.announce)
    telling.nudge()
    return Piece(len(page.items), page.next_after)


def rewrite_devices(deps: Deps, tenant: Tenant, after: str | None) -> Piece:
    """Write devices anew as they are: what stood under an older key does not stand there afterwards."""
    page = deps.devices.list_stored(tenant.id, PAGE, after)
    deps.devices.update_many(tenant.id, [device.id for device in page.items], lambda device: device)
    return Piece(len(page.items), page.next_after)


def reseal_webhooks(deps: Deps, tenant: Tenant) -> None:
    """Write a tenant's few webhooks anew as they are: their secrets live as long as they do, and are sealed with the present data key afterwards."""
    for webhook in deps.webhooks.list(tenant.id, MOST_WEBHOOKS, None).items:
        deps.webhooks.update(tenant.id, webhook.id, lambda stored: stored)


def _told(device: Device, *, owners: Sequence[Profile], now: datetime) -> Device:
    for profile in owners:
        device = tell_owner(device, profile, now) or device
    return device
