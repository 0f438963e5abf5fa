"""Devices in cleanup: those that are idle are retired, those that receive nothing or were deleted long ago are wiped, and tombstones go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from functools import partial

from fanfare.domain.audit import AuditEntry
from fanfare.domain.device import Device
from fanfare.domain.expiry import IDLE, is_deleted_since, is_inactive_since, retire_idle, tombstones_due
from fanfare.domain.retention import Cleaning, Kind, Swept
from fanfare.domain.subscribing import farewells_of
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_telling
from fanfare.services.leave_fcm import say_farewell
from fanfare.services.nudge_topics import nudge_devices

PAGE = 100
"""Devices of one commit, as erasing has it."""
TOMBSTONES = 400


def retire_idle_targets(deps: Deps, cleaning: Cleaning) -> Swept:
    """Retire targets of whose apps nothing was heard for long; their devices are wiped after they were inactive for as long as any other."""
    removed, more = 0, False
    entry = AuditEntry("device.retired", cleaning.actor, cleaning.now, facts={"code": "IDLE"})
    telling = device_telling(deps, cleaning.tenant, cleaning.actor.request_id)
    for platform, limit in IDLE.items():
        found = deps.retention.find_idle(cleaning.tenant, platform, cleaning.now - limit, PAGE)
        ids, retire = [device.id for device in found], partial(retire_idle, now=cleaning.now)
        retired = deps.devices.update_many(cleaning.tenant, ids, retire, entry, announce=telling.announce)
        telling.nudge()
        subscribed = [device.id for device in found if device.id in retired and device.topics]
        if subscribed:
            nudge_devices(deps, cleaning.tenant, subscribed, cleaning.actor.request_id or "")
        removed += len(retired)
        more = more or len(found) == PAGE
    return Swept(removed, more and removed > 0)


def wipe_inactive(deps: Deps, cleaning: Cleaning) -> Swept:
    """Wipe devices that have received nothing for as long as the tenant says."""
    before = cleaning.due[Kind.INACTIVE_DEVICES]
    found = deps.devices.find_purgeable(cleaning.tenant, before, PAGE)
    return _wipe(deps, cleaning, found, partial(is_inactive_since, before=before))


def wipe_deleted(deps: Deps, cleaning: Cleaning) -> Swept:
    """Wipe devices that were deleted softly so long ago."""
    before = cleaning.due[Kind.DELETED_DEVICES]
    found = deps.retention.find_deleted(cleaning.tenant, before, PAGE)
    return _wipe(deps, cleaning, found, partial(is_deleted_since, before=before))


def remove_tombstones(deps: Deps, cleaning: Cleaning) -> Swept:
    """Remove what is left of erased devices, once the audience knows that they are gone."""
    due = tombstones_due(deps.audience.get(cleaning.tenant), cleaning.now)
    removed = deps.retention.remove_tombstones(cleaning.tenant, due, TOMBSTONES)
    return Swept(removed, removed == TOMBSTONES)


def _wipe(deps: Deps, cleaning: Cleaning, found: Sequence[Device], is_due: Callable[[Device], bool]) -> Swept:
    """Wipe devices, and count them in the day's numbers with the same commit; one that was revived meanwhile stays, and is not counted."""
    if not found:
        return Swept(0, more=False)
    ids = [device.id for device in found]
    entry, day = AuditEntry("device.erased", cleaning.actor, cleaning.now), cleaning.now.astimezone(UTC).date()
    deps.devices.erase(cleaning.tenant, ids, entry, only_if=is_due, cleaned_on=day)
    spared = {device.id for device in deps.devices.get(cleaning.tenant, ids)}
    say_farewell(deps, cleaning.tenant, [device for device in found if device.id not in spared and farewells_of(device)])
    removed = len(found) - len(spared)
    return Swept(removed, len(found) == PAGE and removed > 0)
