"""What a new notification has."""

from __future__ import annotations

from fanfare.domain.notification import Counts
from tests.factories import a_notification


def test_counts_begin_at_nothing() -> None:
    assert Counts() == Counts(0, 0, 0, 0, 0, 0, 0)


def test_notification_has_one_chunk_and_no_failures_until_told_otherwise() -> None:
    notification = a_notification()
    assert (notification.chunk_count, dict(notification.errors), notification.usernames) == (1, {}, ())
