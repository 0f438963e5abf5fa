"""What a reader is shown while a delivery is under way and afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.broadcast_progress import Sums
from fanfare.domain.chunk import ChunkKey, ChunkState, new_claim
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.progress import deliveries_of, with_progress, with_sums
from tests.factories import NOW, TENANT_ID, a_notification, a_recipient

CLAIMED = new_claim(ChunkKey(TENANT_ID, "notification-1", 0), "owner-1", NOW + timedelta(seconds=2))
SENT = Result(Outcome.SENT, "projects/p/messages/1", 200, 1, Platform.ANDROID, "alice")
FAILED = Result(Outcome.FAILED, "UNREGISTERED", 404, 1)


def test_queued_notification_without_a_claim_is_shown_as_it_is_stored() -> None:
    queued = a_notification()
    assert with_progress(queued, None) == queued


def test_queued_notification_is_sending_once_its_chunk_is_claimed() -> None:
    queued = a_notification(counts=Counts(targeted=2, unsent=2))
    expected = replace(queued, status=NotificationStatus.SENDING, started_at=NOW + timedelta(seconds=2))
    assert with_progress(queued, CLAIMED) == expected


def test_results_of_a_running_chunk_are_counted() -> None:
    counts = Counts(targeted=2, sent=1, unsent=1)
    running = replace(CLAIMED, results={"device-1": SENT}, counts=counts)
    assert with_progress(a_notification(counts=Counts(targeted=2, unsent=2)), running).counts == counts


def test_later_pass_is_shown_with_what_its_last_checkpoint_counted() -> None:
    counts = Counts(targeted=2, sent=1, retrying=1)
    running = replace(CLAIMED, attempt=2, results={"device-1": SENT}, counts=counts)
    stored = a_notification(status=NotificationStatus.SENDING, status_reason="cancelling", counts=Counts(targeted=2, unsent=2))
    expected = replace(stored, started_at=CLAIMED.started_at, counts=counts)
    assert with_progress(stored, running) == expected


def test_what_was_received_is_shown_beside_what_chunks_have_counted() -> None:
    running = replace(CLAIMED, results={"device-1": SENT}, counts=Counts(targeted=2, sent=1, unsent=1))
    stored = a_notification(counts=Counts(targeted=2, unsent=2, delivered=1, read=1))
    assert with_progress(stored, running).counts == Counts(targeted=2, sent=1, unsent=1, delivered=1, read=1)
    assert with_sums(stored, Sums(counts=Counts(targeted=2, sent=2))).counts == Counts(targeted=2, sent=2, delivered=1, read=1)


def test_chunk_that_nobody_has_claimed_is_no_progress() -> None:
    resumed = replace(CLAIMED, state=ChunkState.RETRYING, attempt=0, counts=Counts(targeted=2, unsent=2))
    assert with_progress(a_notification(), resumed) == a_notification()


@pytest.mark.parametrize("status", sorted(set(NotificationStatus) - {NotificationStatus.QUEUED, NotificationStatus.SENDING}))
def test_every_other_state_is_shown_as_it_is_stored(status: NotificationStatus) -> None:
    stored = a_notification(status=status)
    assert with_progress(stored, replace(CLAIMED, results={"device-1": SENT}, counts=Counts(1, 1))) == stored


def test_recipients_are_listed_in_their_order_with_their_results() -> None:
    rows = [a_recipient(device_id="b", platform=Platform.IOS, username="bob"), a_recipient(device_id="a"), a_recipient(device_id="c")]
    assert deliveries_of(rows, {"a": SENT, "c": FAILED}) == [
        ("b", Result(Outcome.UNSENT, "", 0, 0, Platform.IOS, "bob")),
        ("a", SENT),
        ("c", FAILED),
    ]


def test_results_alone_are_left_once_the_recipients_are_deleted() -> None:
    assert deliveries_of([], {"b": FAILED, "a": SENT}) == [("b", FAILED), ("a", SENT)]


def test_nobody_has_no_deliveries() -> None:
    assert deliveries_of([], {}) == []


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.sets(st.sampled_from("abcdef")))
def test_every_recipient_is_listed_once(ids: list[str], done: set[str]) -> None:
    shown = deliveries_of([a_recipient(device_id=name) for name in ids], dict.fromkeys(done & set(ids), SENT))
    assert [device_id for device_id, _ in shown] == ids
    assert [device_id for device_id, result in shown if result.outcome is Outcome.UNSENT] == [name for name in ids if name not in done]
