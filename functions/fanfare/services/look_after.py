"""Looking after a notification of many chunks that is overdue: its accepting was broken off, its pause lasts too long, or a nudge was lost.

| the notification | what is done |
|---|---|
| accepting for ten minutes | cancelled: `not_accepted_in_time` |
| paused for longer than its messages live | ended as if it were cancelled: `expired` |
| all its chunks are final | completed: the last one could not say so |
| else | `fanout` looks what is missing |
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from fanfare.domain.broadcast_steering import ACCEPTED_WITHIN, expire_broadcast, give_up_accepting, is_laid_out
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.notification import FINAL_STATUSES, Notification, NotificationStatus
from fanfare.ports import Deps
from fanfare.services.announce_status import status_telling
from fanfare.services.complete_broadcast import complete_if_done, release_audience

NEXT_LOOK = timedelta(minutes=5)
"""Between two looks at a broadcast that is under way; what is not laid out yet is looked at again after a minute."""
NEXT_CHECK = timedelta(seconds=60)


def look_after(deps: Deps, notification: Notification, request_id: str) -> None:
    """Bring an overdue notification on, and say when it is looked at next."""
    now, key = deps.clock.now(), ChunkKey(notification.tenant, notification.id, 0)
    if notification.status in FINAL_STATUSES:
        deps.notifications.set_next_check(key, None)
        return
    decide = give_up_accepting if notification.status is NotificationStatus.ACCEPTING else expire_broadcast
    telling = status_telling(deps)
    stored = deps.notifications.update(notification.tenant, notification.id, partial(decide, now=now), announce=telling.announce) or notification
    telling.nudge()
    if stored.status in FINAL_STATUSES:
        release_audience(deps, stored)
        deps.log.warning("notification_given_up", notification=stored.id, reason=stored.status_reason)
    elif stored.status is NotificationStatus.ACCEPTING:
        deps.notifications.set_next_check(key, stored.created_at + ACCEPTED_WITHIN)
    elif not complete_if_done(deps, stored.tenant, stored.id):
        deps.tasks.enqueue_fanout(stored.tenant, stored.id, request_id)
        deps.notifications.set_next_check(key, _next_look(stored, now))


def _next_look(notification: Notification, now: datetime) -> datetime:
    """A pause is looked at when it ends by itself; by then it has a check of its own."""
    if notification.paused and notification.next_check_at is not None and notification.next_check_at > now:
        return notification.next_check_at
    return now + (NEXT_LOOK if is_laid_out(notification) else NEXT_CHECK)
