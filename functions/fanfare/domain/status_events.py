"""What is told of a notification's status, in the commit in which it becomes so."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fanfare.domain.broadcast_progress import COUNTED
from fanfare.domain.event import EventKind
from fanfare.domain.notification import Notification, NotificationStatus

KIND_OF: Mapping[NotificationStatus, EventKind] = MappingProxyType(
    {
        NotificationStatus.COMPLETED: EventKind.NOTIFICATION_COMPLETED,
        NotificationStatus.PAUSED: EventKind.NOTIFICATION_PAUSED,
        NotificationStatus.CANCELLED: EventKind.NOTIFICATION_CANCELLED,
    }
)
"""The statuses of which an event tells."""


def kind_of_change(before: Notification | None, after: Notification) -> EventKind | None:
    """Which event tells of a change of a notification (None before: it is new); None if its status is no other, or none that is told of."""
    return None if before is not None and before.status is after.status else KIND_OF.get(after.status)


def status_data(notification: Notification) -> dict[str, Any]:
    """What an event tells of a notification's status."""
    return {
        "notification_id": notification.id,
        "status": notification.status.value,
        "status_reason": notification.status_reason,
        "counts": {name: getattr(notification.counts, name) for name in COUNTED},
    }
