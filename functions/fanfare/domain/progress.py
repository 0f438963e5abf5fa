"""What a reader is shown of a notification whose delivery is under way, and the outcome of each of its recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fanfare.domain.chunk import Chunk
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.recipient import Recipient


def with_progress(notification: Notification, chunk: Chunk | None) -> Notification:
    """Show a queued notification as sending once its chunk is claimed. The claim does not write that: it would cost every send a document."""
    if chunk is None or notification.status is not NotificationStatus.QUEUED:
        return notification
    counts = chunk.counts if chunk.results else notification.counts
    return replace(notification, status=NotificationStatus.SENDING, started_at=chunk.started_at, counts=counts)


def deliveries_of(recipients: Sequence[Recipient], results: Mapping[str, Result]) -> list[tuple[str, Result]]:
    """Pair recipients with their results in the order of the recipients; without results they are unsent. Afterwards only results are left."""
    if not recipients:
        return list(results.items())
    return [(row.device_id, results.get(row.device_id) or _unsent(row)) for row in recipients]


def _unsent(row: Recipient) -> Result:
    return Result(Outcome.UNSENT, "", 0, 0, row.platform, row.username)
