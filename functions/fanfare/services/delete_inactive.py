"""Deleting the devices that have received nothing for long."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from fanfare.domain.audit import AuditEntry
from fanfare.domain.call import Call
from fanfare.domain.device import Device, InactiveReason
from fanfare.domain.registration import deactivate
from fanfare.ports import Deps

COMMIT_SIZE = 100
MOST_COMMITS = 5


class Deletion(NamedTuple):
    """How many devices were deleted, and whether there may be more of them: a call deletes 500 at most."""

    removed: int
    more: bool


def delete_inactive_devices(deps: Deps, call: Call, older_than_days: int) -> Deletion:
    """Delete softly what has been inactive for so many days, the longest inactive devices first."""
    now = deps.clock.now()
    before = now - timedelta(days=older_than_days)
    audit = AuditEntry("device.purged", call.actor, now, facts={"older_than_days": str(older_than_days)})

    def decide(device: Device) -> Device | None:
        # One that was revived, or deleted, since it was looked for stays as it is.
        since = device.purgeable_since
        return None if since is None or since > before else deactivate(device, InactiveReason.DELETED, now)

    removed = 0
    for _ in range(MOST_COMMITS):
        found = deps.devices.find_purgeable(call.tenant, before, COMMIT_SIZE)
        removed += len(deps.devices.update_many(call.tenant, [device.id for device in found], decide, audit))
        if len(found) < COMMIT_SIZE:
            return Deletion(removed, more=False)
    return Deletion(removed, more=True)
