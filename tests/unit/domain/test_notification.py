"""Notifications: which of their states are final, and what a new one has."""

from __future__ import annotations

import pytest

from fanfare.domain.notification import FINAL, Counts, NotificationStatus
from tests.factories import a_notification


@pytest.mark.parametrize(
    ("status", "is_final"),
    [("accepting", False), ("queued", False), ("sending", False), ("paused", False), ("completed", True), ("cancelled", True)],
)
def test_only_completed_and_cancelled_are_final(status: str, is_final: bool) -> None:  # noqa: FBT001 - a table's column
    assert (NotificationStatus(status) in FINAL) is is_final


def test_table_of_final_states_is_whole() -> None:
    assert len(NotificationStatus) == 6


def test_counts_begin_at_nothing() -> None:
    assert Counts() == Counts(0, 0, 0, 0, 0, 0, 0)


def test_notification_has_one_chunk_and_no_failures_until_told_otherwise() -> None:
    notification = a_notification()
    assert (notification.chunk_count, dict(notification.errors), notification.usernames) == (1, {}, ())
