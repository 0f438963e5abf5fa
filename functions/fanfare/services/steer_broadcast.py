"""Stopping a notification of many chunks and letting it go on: its own state says so, and `fanout` brings its chunks to hear of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fanfare.domain.audit import Trail
from fanfare.domain.errors import NotFound
from fanfare.domain.notification import FINAL_STATUSES, Notification, NotificationStatus, is_cancelling
from fanfare.ports import Deps
from fanfare.services.announce_status import status_telling
from fanfare.services.complete_broadcast import complete_if_done, release_audience
from fanfare.services.pace_chunks import release_slots

Decide = Callable[[Notification, datetime], Notification | None]


def is_steered_whole(notification: Notification) -> bool:
    """Tell whether a notification is steered by its own state: it has many chunks, or does not know yet how many."""
    return notification.layout is not None or notification.status is NotificationStatus.ACCEPTING


def steer_broadcast(deps: Deps, notification: Notification, decide: Decide, audit: Trail, request_id: str) -> Notification:
    """Apply a decision and do what follows from it; also where it changed nothing, because an earlier call may have ended before its nudge."""
    now, telling = deps.clock.now(), status_telling(deps)
    steered = deps.notifications.update(notification.tenant, notification.id, lambda stored: decide(stored, now), audit, announce=telling.announce)
    if steered is None:
        raise NotFound.of("notification")
    telling.nudge()
    if steered.paused or is_cancelling(steered):
        release_slots(deps, steered)
    if steered.status in FINAL_STATUSES:
        release_audience(deps, steered)
    elif not steered.paused:
        if is_cancelling(steered) and complete_if_done(deps, steered.tenant, steered.id):
            return deps.notifications.get(steered.tenant, steered.id) or steered
        deps.tasks.enqueue_fanout(steered.tenant, steered.id, request_id)
    return steered
