"""Stopping a notification of many chunks: cancel, pause and resume, as pure decisions over the notification alone.

| the notification | cancel | pause | resume |
|---|---|---|---|
| accepting, or not laid out | cancelled at once | held before anything is sent | |
| queued, sending | is cancelling; each chunk is ended by its next call | paused at once; each chunk is held by its next call | nothing to do |
| paused | likewise | nothing to do | goes on; what is not final gets new slots |
| cancelling | nothing to do | conflict | conflict |
| completed, cancelled | conflict, but for a second cancel | conflict | conflict |

The notification is its own lock: a chunk's call reads its state first, and a call that is at work ends within its chunk. The last chunk that becomes
final completes it. Paused for longer than its messages live, it is ended as if it were cancelled: sent later, they would come too late.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from fanfare.domain.broadcast_progress import Progress, is_all_done
from fanfare.domain.chunk import Take
from fanfare.domain.delivery import RECIPIENTS_NOT_KEPT, SHORTEST_LIFE, SWEEP_GRACE
from fanfare.domain.errors import Conflict
from fanfare.domain.notification import FINAL_STATUSES, FIRST_CHECK, Notification, NotificationStatus, StatusReason, is_cancelling

ACCEPTED_WITHIN = timedelta(minutes=10)
"""A notification whose recipients are not all stored by then is cancelled: its caller has gone away."""
_AT_ONCE = frozenset({NotificationStatus.ACCEPTING})


def is_laid_out(notification: Notification) -> bool:
    """Tell whether it is known which chunks there are."""
    return notification.layout is not None and bool(notification.layout.stages)


def take_of(notification: Notification) -> Take:
    """Which chunks of many a call may claim, by what it has just read of their notification."""
    if is_cancelling(notification):
        return Take.ALL
    return Take.DUE if notification.paused else Take.HELD


def cancel_broadcast(notification: Notification, now: datetime) -> Notification | None:
    """Cancel; None if that was asked before. Conflict if everything is over."""
    if notification.status is NotificationStatus.CANCELLED or is_cancelling(notification):
        return None
    _check_not_over(notification)
    if notification.status in _AT_ONCE or not is_laid_out(notification):
        return _cancelled(notification, StatusReason.BY_CALLER, now)
    return _cancelling(notification, StatusReason.CANCELLING, now)


def pause_broadcast(notification: Notification, now: datetime) -> Notification | None:
    """Pause; None if that was asked before. Conflict if everything is over, or is being accepted or cancelled."""
    _check_open(notification)
    if notification.status is NotificationStatus.PAUSED and notification.paused:
        return None
    return hold_broadcast(notification, StatusReason.BY_CALLER, now)


def resume_broadcast(notification: Notification, now: datetime) -> Notification | None:
    """Let it go on; None if it is not paused. Conflict if everything is over, or is being cancelled."""
    _check_open(notification)
    if notification.status is not NotificationStatus.PAUSED and not notification.paused:
        return None
    status = NotificationStatus.QUEUED if notification.started_at is None else NotificationStatus.SENDING
    return replace(notification, status=status, status_reason=None, paused=False, next_check_at=now + FIRST_CHECK)


def edit_broadcast(notification: Notification, now: datetime) -> Notification | None:
    """Do what an operator asked for by editing `paused` in the database; None if there is nothing to do."""
    if notification.status in FINAL_STATUSES or notification.status is NotificationStatus.ACCEPTING or is_cancelling(notification):
        return None
    if not notification.paused:
        return resume_broadcast(notification, now)
    return None if notification.status is NotificationStatus.PAUSED else hold_broadcast(notification, StatusReason.BY_HAND, now)


def expire_broadcast(notification: Notification, now: datetime) -> Notification | None:
    """End what was paused for longer than its messages live; None if it is paused no more, or not yet so long."""
    due = notification.next_check_at is not None and notification.next_check_at <= now
    if notification.status is not NotificationStatus.PAUSED or not due:
        return None
    return _cancelling(notification, StatusReason.EXPIRING, now) if is_laid_out(notification) else _cancelled(notification, StatusReason.EXPIRED, now)


def give_up_accepting(notification: Notification, now: datetime) -> Notification | None:
    """Cancel what has been accepting for too long; None if it is not, or not yet."""
    if notification.status is not NotificationStatus.ACCEPTING or now < notification.created_at + ACCEPTED_WITHIN:
        return None
    return _cancelled(notification, StatusReason.NOT_ACCEPTED_IN_TIME, now)


def replay_broadcast(notification: Notification, now: datetime) -> Notification:
    """The notification of chunks that are to be sent again. Conflict if it was cancelled, or is being so."""
    if notification.status is NotificationStatus.CANCELLED or is_cancelling(notification):
        raise Conflict("This notification was cancelled: nothing of it is sent again.")
    status = NotificationStatus.PAUSED if notification.paused else NotificationStatus.SENDING
    reason = notification.status_reason if notification.paused else "replayed"
    return replace(notification, status=status, status_reason=reason, completed_at=None, next_check_at=now + FIRST_CHECK)


def complete_broadcast(notification: Notification, progress: Progress, now: datetime) -> Notification | None:
    """End a notification whose chunks are all final, with their sums; None if they are not, or if it has ended."""
    if notification.layout is None or notification.status in FINAL_STATUSES or not is_all_done(notification.layout, progress):
        return None
    total = progress.total
    ended = replace(notification, counts=total.counts, errors=total.errors, completed_at=now, next_check_at=None, paused=False)
    if not total.counts.unsent:
        reason = None if total.counts.targeted else StatusReason.NO_RECIPIENTS
        return replace(ended, status=NotificationStatus.COMPLETED, status_reason=reason)
    return replace(ended, status=NotificationStatus.CANCELLED, status_reason=_ENDED_BY.get(notification.status_reason or "", RECIPIENTS_NOT_KEPT))


_ENDED_BY: dict[str, str] = {StatusReason.CANCELLING: StatusReason.BY_CALLER, StatusReason.EXPIRING: StatusReason.EXPIRED}


def _cancelling(notification: Notification, reason: StatusReason, now: datetime) -> Notification:
    return replace(notification, status=NotificationStatus.SENDING, status_reason=reason, paused=False, next_check_at=now + FIRST_CHECK)


def _cancelled(notification: Notification, reason: StatusReason, now: datetime) -> Notification:
    return replace(notification, status=NotificationStatus.CANCELLED, status_reason=reason, paused=False, completed_at=now, next_check_at=None)


def hold_broadcast(notification: Notification, reason: StatusReason, now: datetime) -> Notification:
    """Pause it, for whatever reason; it is looked at again when its messages have expired."""
    life = max(timedelta(seconds=notification.ttl_seconds), SHORTEST_LIFE)
    # Whom their time has not come to yet, their messages live from then on.
    dues = notification.layout.dues if notification.layout is not None else ()
    check = max(notification.planned_at, now, *dues[-1:]) + life + SWEEP_GRACE
    return replace(notification, status=NotificationStatus.PAUSED, status_reason=reason, paused=True, next_check_at=check)


def _check_not_over(notification: Notification) -> None:
    if notification.status in FINAL_STATUSES:
        raise Conflict(f"This notification is {notification.status} already.")


def _check_open(notification: Notification) -> None:
    _check_not_over(notification)
    if is_cancelling(notification):
        raise Conflict("This notification is being cancelled.")
    if notification.status is NotificationStatus.ACCEPTING:
        raise Conflict("This notification is still being accepted.")
