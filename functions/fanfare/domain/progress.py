"""What a reader is shown of a notification whose delivery is under way, and the outcome of each of its recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.chunk import Chunk
from fanfare.domain.chunk_rows import unsent
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.outcome import Result
from fanfare.domain.recipient import Recipient

_UNDER_WAY = frozenset({NotificationStatus.QUEUED, NotificationStatus.SENDING})


def with_progress(notification: Notification, chunk: Chunk | None) -> Notification:
    """Show a queued notification as sending once its chunk is claimed, with what its last checkpoint counted.

    Neither is written to the notification: it would cost every send a document.
    """
    if chunk is None or chunk.attempt == 0 or notification.status not in _UNDER_WAY or notification.layout is not None:
        return notification
    counts = _with_received(chunk.counts, notification) if chunk.counts.targeted else notification.counts
    return replace(notification, status=NotificationStatus.SENDING, started_at=chunk.started_at, counts=counts)


def with_sums(notification: Notification, sums: Sums) -> Notification:
    """Show what the chunks of a notification have come to; those who are known and in no chunk's sums yet are unsent."""
    targeted = max(sums.counts.targeted, notification.counts.targeted)
    unsent = targeted - sums.counts.sent - sums.counts.failed - sums.counts.retrying
    begun = sums.counts.targeted > 0 and notification.status is NotificationStatus.QUEUED
    status = NotificationStatus.SENDING if begun else notification.status
    counts = replace(_with_received(sums.counts, notification), targeted=targeted, unsent=unsent)
    return replace(notification, status=status, counts=counts, errors=sums.errors)


def _with_received(counts: Counts, notification: Notification) -> Counts:
    """What was sent, with what receipts have come to: chunks know nothing of them."""
    return replace(counts, delivered=notification.counts.delivered, read=notification.counts.read)


def deliveries_of(recipients: Sequence[Recipient], results: Mapping[str, Result]) -> list[tuple[str, Result]]:
    """Pair recipients with their results in the order of the recipients; without results they are unsent. Afterwards only results are left."""
    if not recipients:
        return list(results.items())
    return [(row.device_id, results.get(row.device_id) or unsent(row)) for row in recipients]
