"""What a notification and its receipts contribute to the numbers of the whole fleet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from fanfare.domain.analytics import Amounts
from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.device import InactiveReason
from fanfare.domain.metrics import NO_PLATFORM, Counters, Family, add, code_label, named, observe, present
from fanfare.domain.notification import Notification, NotificationStatus, StatusReason

RETIRED = frozenset({InactiveReason.UNREGISTERED, InactiveReason.SENDER_ID_MISMATCH, InactiveReason.INVALID_TARGET, InactiveReason.IDLE})
"""Why a target is retired: of the other reasons somebody has asked for it."""
ENDED_LAG = timedelta(seconds=15)
"""What has ended is counted this long after: a commit takes at most ten seconds, and clocks differ by five."""


def counters_of(notification: Notification, sums: Sums) -> Counters:
    """What a notification contributes, of which this is what its chunks have come to. Nothing before it is accepted, or if it never was."""
    if notification.validate_only or not _is_accepted(notification):
        return {}
    own = {Family.ACCEPTED.value: 1, Family.MESSAGES.value: max(sums.counts.targeted, notification.counts.targeted)}
    failed = add({named(Family.FAILED, code_label(code)): number} for code, number in sums.errors.items())
    return add([own, _sent(sums), failed, sums.measures])


def sums_of_one(notification: Notification) -> Sums:
    """What the chunk of a notification of one has come to, as its notification says it."""
    measures = add([{Family.RETRIED.value: notification.retried}, _waited(notification)])
    return Sums(0, notification.counts, notification.errors, notification.platforms, measures)


def received_counters(added: Mapping[str | None, Amounts]) -> Counters:
    """What receipts contribute that add these amounts to their notification, by platform."""
    return add(_received(platform or NO_PLATFORM, amounts) for platform, amounts in added.items())


def delays(times: Iterable[timedelta]) -> Counters:
    """What times from sending to delivery contribute."""
    return add(observe(Family.DELIVERY_DELAY, time) for time in times)


def _is_accepted(notification: Notification) -> bool:
    return notification.status is not NotificationStatus.ACCEPTING and notification.status_reason != StatusReason.NOT_ACCEPTED_IN_TIME


def _sent(sums: Sums) -> Counters:
    known = {named(Family.SENT, name): numbers.get("sent", 0) for name, numbers in sums.platforms.items()}
    return present({**known, named(Family.SENT, NO_PLATFORM): sums.counts.sent - sum(known.values())})


def _waited(notification: Notification) -> Counters:
    """Since when its messages were to be sent; a retry and a replay change nothing of when their sending began."""
    if notification.started_at is None:
        return {}
    return observe(Family.SEND_DELAY, notification.started_at - _wanted_at(notification), notification.counts.sent)


def _wanted_at(notification: Notification) -> datetime:
    return max(notification.created_at, notification.planned_at)


def _received(platform: str, amounts: Amounts) -> Counters:
    return present({named(Family.DELIVERED, platform): amounts.total_delivered, named(Family.READ, platform): amounts.total_read})
