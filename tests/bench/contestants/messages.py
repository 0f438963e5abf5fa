"""Our messages for the benchmark: one chunk of 500 rows, a third of them on each platform."""

from __future__ import annotations

from datetime import UTC, datetime

from fanfare.domain.message import Message, Platform, Priority, TargetKind
from fanfare.domain.notification import Counts, Notification, NotificationStatus
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import message_of
from fanfare.domain.target import Target
from tests.bench import workload

REQUEST = {
    "title": workload.TITLE,
    "body": workload.BODY,
    "data": workload.DATA,
    "deep_link": workload.DEEP_LINK,
    "channel": workload.CHANNEL,
    "sound": workload.SOUND,
    "priority": Priority.HIGH.value,
    "ttl_seconds": workload.TTL_SECONDS,
}


def recipients() -> tuple[Recipient, ...]:
    """The rows of one full chunk."""
    platforms = tuple(Platform)
    return tuple(
        Recipient(
            workload.device_id(number),
            Target(TargetKind.TOKEN, workload.token(number)),
            platforms[number % len(platforms)],
            "en-GB",
            f"person-{number:03}",
        )
        for number in range(workload.CHUNK)
    )


def notification(tenant: str, notification_id: str) -> Notification:
    """A notification that waits to be sent to one chunk."""
    now = datetime.now(tz=UTC)
    message: Message = message_of(REQUEST)
    return Notification(
        id=notification_id,
        tenant=tenant,
        client_id="bench",
        message=message,
        ttl_seconds=workload.TTL_SECONDS,
        request=REQUEST,
        request_hash="bench",
        request_id="bench",
        status=NotificationStatus.QUEUED,
        counts=Counts(targeted=workload.CHUNK, unsent=workload.CHUNK),
        created_at=now,
        planned_at=now,
        # The stack's scheduler does not sweep: only the benchmark may start these chunks.
        next_check_at=None,
    )
