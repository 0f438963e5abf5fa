"""Which changes of a notification are told, and what of it."""

from __future__ import annotations

import pytest

from fanfare.domain.event import EventKind
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.status_events import kind_of_change, status_data
from tests.factories import a_notification

QUEUED, SENDING, PAUSED = NotificationStatus.QUEUED, NotificationStatus.SENDING, NotificationStatus.PAUSED
COMPLETED, CANCELLED = NotificationStatus.COMPLETED, NotificationStatus.CANCELLED


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (QUEUED, SENDING, None),
        (PAUSED, SENDING, None),
        (PAUSED, PAUSED, None),
        (COMPLETED, COMPLETED, None),
        (QUEUED, PAUSED, EventKind.NOTIFICATION_PAUSED),
        (SENDING, COMPLETED, EventKind.NOTIFICATION_COMPLETED),
        (PAUSED, CANCELLED, EventKind.NOTIFICATION_CANCELLED),
        (None, COMPLETED, EventKind.NOTIFICATION_COMPLETED),
        (None, QUEUED, None),
    ],
)
def test_status_is_told_when_it_becomes_so(before: NotificationStatus | None, after: NotificationStatus, kind: EventKind | None) -> None:
    stored = a_notification(status=before) if before is not None else None
    assert kind_of_change(stored, a_notification(status=after)) is kind


def test_told_status_has_its_reason_and_the_counts() -> None:
    counts = Counts(3, sent=1, failed=1, unsent=1)
    assert status_data(a_notification(status=CANCELLED, status_reason="by_caller", counts=counts)) == {
        "notification_id": "notification-1",
        "status": "cancelled",
        "status_reason": "by_caller",
        "counts": {"targeted": 3, "sent": 1, "failed": 1, "retrying": 0, "unsent": 1},
    }
