"""What a reader is shown while a delivery is under way and afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.chunk import ChunkKey, ChunkState, new_claim
from fanfare.domain.device import Retirement
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.progress import deliveries_of, trace_of, with_progress
from tests.factories import NOW, TENANT_ID, a_device, a_notification, a_recipient

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


ROWS = [a_recipient(device_id="device-1", username="alice"), a_recipient(device_id="device-2")]


def test_trace_of_a_recipient_before_anything_was_sent() -> None:
    trace = trace_of(a_notification(), None, ROWS, "device-1", None)
    assert trace is not None
    assert (trace.notification, trace.chunk, trace.retirement, trace.device_id) == (a_notification(), None, None, "device-1")
    assert (trace.result.outcome, trace.result.username) == (Outcome.UNSENT, "alice")


def test_trace_holds_the_result_the_chunk_and_the_retirement_that_this_notification_caused() -> None:
    chunk = replace(CLAIMED, results={"device-2": FAILED})
    here = Retirement("UNREGISTERED", NOW, "notification-1")
    trace = trace_of(a_notification(), chunk, ROWS, "device-2", a_device(active=False, retirement=here))
    assert trace is not None
    assert (trace.result, trace.chunk, trace.retirement) == (FAILED, chunk, here)
    assert trace.notification.status is NotificationStatus.SENDING


def test_retirement_by_another_notification_and_a_chunk_that_never_began_are_no_part_of_the_trace() -> None:
    other = a_device(retirement=Retirement("UNREGISTERED", NOW, "notification-2"))
    trace = trace_of(a_notification(), replace(CLAIMED, state=ChunkState.HELD, attempt=0), ROWS, "device-1", other)
    assert trace is not None
    assert (trace.retirement, trace.chunk) == (None, None)
    unretired = trace_of(a_notification(), CLAIMED, ROWS, "device-1", a_device())
    assert unretired is not None
    assert unretired.retirement is None


def test_device_that_was_not_addressed_has_no_trace() -> None:
    assert trace_of(a_notification(), replace(CLAIMED, results={"device-1": SENT}), ROWS, "device-3", a_device(id="device-3")) is None


def test_trace_outlives_the_recipients() -> None:
    trace = trace_of(a_notification(), replace(CLAIMED, results={"device-1": SENT}), [], "device-1", None)
    assert trace is not None
    assert trace.result == SENT
