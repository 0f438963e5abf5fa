"""Keeping to the pace: a chunk that comes too late is moved, and a lane that FCM refuses is slowed down."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from fanfare.domain.chunk import ChunkTask
from fanfare.domain.fanning import is_fanned_out
from fanfare.domain.notification import Notification, is_cancelling
from fanfare.domain.pacing import BULK_LANE, Pacing, lower, release
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.nudge_chunks import MOST_MOVES, reserve_slots

LATE = timedelta(seconds=30)
_USUAL_CHUNK = 500
"""Messages of a chunk of whose notification it is not known yet how many it reaches."""


def move_chunk(deps: Deps, task: ChunkTask, request_id: str) -> bool:
    """Give a chunk that is late for its slot a new one, twice at the most; True if another task brings it then and this one is done.

    What comes late comes with everything else that was late: sent at once, all of it would be a jump of the rate.
    """
    if deps.clock.now() - task.slot <= LATE or task.moves >= MOST_MOVES:
        return False
    notification = deps.notifications.get(task.key.tenant, task.key.notification_id)
    if notification is None or not is_fanned_out(notification) or notification.paused or is_cancelling(notification):
        return False
    targeted = notification.counts.targeted // notification.chunk_count if notification.chunk_count else 0
    slots = reserve_slots(deps, notification, [targeted or _USUAL_CHUNK])
    return bool(slots) and deps.tasks.enqueue_chunks([replace(task, slot=slots[0], moves=task.moves + 1)], request_id) == 1


def release_slots(deps: Deps, notification: Notification) -> None:
    """Give back the slots of a broadcast that is paused or cancelled, so that the next one need not wait for what is not sent."""
    now = deps.clock.now()
    deps.pacing.reserve(notification.tenant, BULK_LANE, lambda pacing: (None, release(pacing, notification.id, now)))


def slow_down(deps: Deps, tenant: Tenant) -> None:
    """Lower the pace of a tenant's broadcasts after FCM has refused a message for the project's message rate."""
    now = deps.clock.now()

    def decide(pacing: Pacing) -> tuple[datetime | None, Pacing | None]:
        lowered = lower(pacing, tenant.settings.quota_per_minute, now)
        return (lowered.limited_until if lowered else None), lowered

    if until := deps.pacing.reserve(tenant.id, BULK_LANE, decide):
        deps.log.warning("pace_lowered", tenant=tenant.id, until=until.isoformat())
