"""What a reader is shown of a notification whose delivery is under way, and the outcome of each of its recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.chunk import Chunk
from fanfare.domain.chunk_rows import unsent
from fanfare.domain.device import Device, Retirement
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.outcome import Result
from fanfare.domain.recipient import Recipient

_UNDER_WAY = frozenset({NotificationStatus.QUEUED, NotificationStatus.SENDING})


def with_progress(notification: Notification, chunk: Chunk | None) -> Notification:
    """Show a queued notification as sending once its chunk is claimed, with what its last checkpoint counted.

    Neither is written to the notification: it would cost every send a document.
    """
    if chunk is None or chunk.attempt == 0 or notification.status not in _UNDER_WAY or notification.layout is not None:
        return notification
    counts = chunk.counts if chunk.counts.targeted else notification.counts
    return replace(notification, status=NotificationStatus.SENDING, started_at=chunk.started_at, counts=counts)


def with_sums(notification: Notification, sums: Sums) -> Notification:
    """Show what the chunks of a notification have come to; those who are known and in no chunk's sums yet are unsent."""
    targeted = max(sums.counts.targeted, notification.counts.targeted)
    unsent = targeted - sums.counts.sent - sums.counts.failed - sums.counts.retrying
    begun = sums.counts.targeted > 0 and notification.status is NotificationStatus.QUEUED
    status = NotificationStatus.SENDING if begun else notification.status
    return replace(notification, status=status, counts=replace(sums.counts, targeted=targeted, unsent=unsent), errors=sums.errors)


def deliveries_of(recipients: Sequence[Recipient], results: Mapping[str, Result]) -> list[tuple[str, Result]]:
    """Pair recipients with their results in the order of the recipients; without results they are unsent. Afterwards only results are left."""
    if not recipients:
        return list(results.items())
    return [(row.device_id, results.get(row.device_id) or unsent(row)) for row in recipients]


@dataclass(frozen=True, slots=True)
class DeviceTrace:
    """One recipient's way through a notification. `retirement` is set where this notification's answer retired the device's target."""

    notification: Notification
    device_id: str
    result: Result
    chunk: Chunk | None = None
    retirement: Retirement | None = None


def trace_of(
    notification: Notification, chunk: Chunk | None, recipients: Sequence[Recipient], device_id: str, device: Device | None
) -> DeviceTrace | None:
    """Put together what is known of one recipient; None for a device that was not addressed."""
    result = dict(deliveries_of(recipients, chunk.results if chunk else {})).get(device_id)
    if result is None:
        return None
    retirement = device.retirement if device is not None else None
    here = retirement is not None and retirement.notification_id == notification.id
    begun = chunk if chunk is not None and chunk.attempt else None
    return DeviceTrace(with_progress(notification, chunk), device_id, result, begun, retirement if here else None)
