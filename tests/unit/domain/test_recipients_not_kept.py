"""A chunk whose recipients cleanup has removed: it ends with a reason, and its counts add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import ChunkKey, ChunkState, new_claim
from fanfare.domain.delivery import is_open, plan_without_recipients
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from tests.factories import NOW, TENANT_ID, a_notification

CHUNK = new_claim(ChunkKey(TENANT_ID, "notification-1", 0), "owner-1", NOW)
SENT = Result(Outcome.SENT, "projects/p/messages/1", 200, 1)
GONE = Result(Outcome.FAILED, "UNREGISTERED", 404, 1)
WAITING = Result(Outcome.RETRYING, "UNAVAILABLE", 503, 3, due_at=NOW + timedelta(minutes=1), since=NOW)
COMPLETED, CANCELLED = NotificationStatus.COMPLETED, NotificationStatus.CANCELLED


def _plan(results: dict[str, Result], targeted: int, **chunk: Any) -> Any:
    return plan_without_recipients(a_notification(counts=Counts(targeted, unsent=targeted)), replace(CHUNK, results=results, **chunk), NOW)


def test_who_was_to_be_tried_again_has_failed_with_the_last_answer() -> None:
    plan = _plan({"a": SENT, "b": GONE, "c": WAITING}, 3, counts=Counts(3, 1, 1, 1))
    chunk, notification = plan.chunk, plan.notification
    assert chunk.results == {"a": SENT, "b": GONE, "c": Result(Outcome.FAILED, "UNAVAILABLE", 503, 3)}
    assert chunk.counts == notification.counts == Counts(3, sent=1, failed=2)
    assert notification.errors == {"UNREGISTERED": 1, "UNAVAILABLE": 1}
    assert chunk.errors == ({"device_id": "b", "code": "UNREGISTERED"}, {"device_id": "c", "code": "UNAVAILABLE"})
    assert (chunk.state, notification.status) == (ChunkState.DONE, COMPLETED)
    assert chunk.reason == notification.status_reason == "recipients_not_kept"
    assert chunk.completed_at == notification.completed_at == NOW
    assert (chunk.next_check_at, notification.next_check_at, plan.due_at) == (None, None, None), "nobody comes back"


@pytest.mark.parametrize(("results", "expected"), [({}, Counts(3, unsent=3)), ({"a": SENT, "c": WAITING}, Counts(3, sent=1, failed=1, unsent=1))])
def test_who_was_never_reached_stays_unsent_and_the_chunk_is_cancelled(results: dict[str, Result], expected: Counts) -> None:
    plan = _plan(results, 3)
    assert (plan.chunk.state, plan.notification.status) == (ChunkState.CANCELLED, CANCELLED)
    assert plan.chunk.counts == plan.notification.counts == expected


@pytest.mark.parametrize(
    ("number", "status", "expected"),
    [
        (0, NotificationStatus.QUEUED, True),
        (0, NotificationStatus.SENDING, True),
        (0, COMPLETED, False),
        (0, CANCELLED, False),
        (1, NotificationStatus.QUEUED, False),
    ],
)
def test_chunk_is_open_that_its_notification_counts_and_waits_for(number: int, status: NotificationStatus, expected: bool) -> None:  # noqa: FBT001
    assert is_open(a_notification(status=status), new_claim(ChunkKey(TENANT_ID, "notification-1", number), "owner-1", NOW)) is expected
