"""What is told of a chunk's recipients: each once, when its outcome has become final."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.chunk import Chunk, ChunkKey, new_claim
from fanfare.domain.chunk_events import chunk_data, unannounced_of
from fanfare.domain.message import Platform
from fanfare.domain.outcome import FINAL_OUTCOMES, Outcome, Result
from tests.factories import NOW, a_notification

SENT = Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID, "alice")
GONE = Result(Outcome.FAILED, "UNREGISTERED", 404, 3, Platform.IOS)
BUSY = Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, Platform.WEB, due_at=NOW + timedelta(seconds=10), since=NOW)
UNSENT = Result(Outcome.UNSENT, "", 0, 0)
CHUNK = new_claim(ChunkKey("acme", "notification-1", 3), "owner-1", NOW)


def _stored(unannounced: tuple[str, ...] = (), **results: Result) -> Chunk:
    return replace(CHUNK, results=results, unannounced=unannounced)


@pytest.mark.parametrize(
    ("stored", "results", "told"),
    [
        (_stored(), {"a": SENT, "b": GONE}, ("a", "b")),
        (_stored(), {"a": SENT, "b": BUSY, "c": UNSENT}, ("a",)),
        (_stored(a=SENT, b=BUSY, c=UNSENT), {"a": SENT, "b": GONE, "c": SENT}, ("b", "c")),
        (_stored(a=SENT, b=GONE), {"a": SENT, "b": GONE}, ()),
        (_stored(("a",), a=SENT, b=GONE), {"a": SENT, "b": GONE}, ("a",)),
        (_stored(("a",), a=SENT, b=BUSY), {"a": SENT, "b": SENT}, ("a", "b")),
        (_stored(("x",), a=SENT), {"a": SENT}, ()),
    ],
    ids=["first pass", "open ones wait", "retry tells what it ended", "nothing new", "kept", "kept and new", "kept of somebody unknown"],
)
def test_recipients_are_told_once_when_their_outcome_is_final(stored: Chunk, results: dict[str, Result], told: tuple[str, ...]) -> None:
    assert unannounced_of(stored, results) == told


DEVICES = st.sampled_from(["a", "b", "c"])
WRITES = st.lists(st.tuples(DEVICES, st.sampled_from([SENT, GONE, BUSY]), st.booleans()), max_size=20)


@given(WRITES)
def test_checkpoints_and_ends_in_any_order_tell_each_final_outcome_once(writes: list[tuple[str, Result, bool]]) -> None:
    """A checkpoint keeps what is to be told, an end tells it; a final outcome stays, as a pass leaves it alone."""
    stored, told = CHUNK, list[str]()
    for device_id, result, ends in [*writes, ("a", SENT, True)]:
        before = stored.results.get(device_id)
        results = {**stored.results, device_id: before if before is not None and before.outcome in FINAL_OUTCOMES else result}
        kept = unannounced_of(stored, results)
        told += kept if ends else ()
        stored = replace(stored, results=results, unannounced=() if ends else kept)
    assert sorted(told) == sorted(device_id for device_id, result in stored.results.items() if result.outcome in FINAL_OUTCOMES)


def test_told_recipient_has_its_answer_and_neither_target_nor_text() -> None:
    notification = a_notification(schedule_id="schedule-1", topic="news")
    assert chunk_data(notification, 3, [("device-1", SENT)]) == {
        "notification_id": "notification-1",
        "chunk": 3,
        "schedule_id": "schedule-1",
        "topic": "news",
        "recipients": [
            {"device_id": "device-1", "platform": "android", "username": "alice", "attempts": 1, "fcm_message_id": "projects/acme-app/messages/1"}
        ],
    }


def test_told_failure_has_its_code_and_status() -> None:
    assert chunk_data(a_notification(), 0, [("device-2", GONE)]) == {
        "notification_id": "notification-1",
        "chunk": 0,
        "recipients": [
            {"device_id": "device-2", "platform": "ios", "username": None, "attempts": 3, "error_code": "UNREGISTERED", "http_status": 404}
        ],
    }


def test_message_to_a_topic_is_told_of_no_device() -> None:
    [told] = chunk_data(a_notification(topic="news"), 0, [("", SENT._replace(platform=None, username=None))])["recipients"]
    assert (told["device_id"], told["platform"]) == (None, None)
