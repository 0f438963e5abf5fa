"""One recipient's way: why it was addressed, what it was told and where, and what happened, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState, new_claim
from fanfare.domain.chunk_events import chunk_data
from fanfare.domain.content import Content
from fanfare.domain.device import Retirement
from fanfare.domain.event import Event, EventKind, StoredEvent, encode_event
from fanfare.domain.message import Platform
from fanfare.domain.notification import NotificationStatus
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.receipts import ReceiptChange, ReceiptEvent, ReceiptKey, StoredReceipt, told_of
from fanfare.domain.status_events import status_data
from fanfare.domain.template_text import Syntax
from fanfare.domain.trace import DeviceTrace, Matched, SentTo, Step, Told, ToldWebhook, matched_by, steps_of, tells_of, trace_of
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, WebhookDelivery
from fanfare.domain.wording import Wording
from tests.factories import NOW, TENANT_ID, a_device, a_notification, a_recipient

CLAIMED = new_claim(ChunkKey(TENANT_ID, "notification-1", 0), "owner-1", NOW + timedelta(seconds=2))
SENT = Result(Outcome.SENT, "projects/p/messages/1", 200, 1, Platform.ANDROID, "alice")
FAILED = Result(Outcome.FAILED, "UNREGISTERED", 404, 1)


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("to", "matched"),
    [
        ({"usernames": ["alice", "bob"]}, Matched("usernames", "alice")),
        ({"device_ids": ["d"]}, Matched("device_ids", None)),
        ({"profile_ids": ["p"]}, Matched("profile_ids", None)),
        ({"phone_numbers": ["+1"]}, Matched("phone_numbers", None)),
        ({"targets": []}, Matched("messages", None)),
        ({"topic": "news"}, Matched("topic", "news")),
        ({"condition": "'a' in topics"}, Matched("condition", "'a' in topics")),
        ({"segment": {"platform": ["ios"]}}, Matched("segment", None)),
        ({"segment": {"platform": ["ios"]}, "segment_id": "s1"}, Matched("segment", "s1")),
        ({"everyone": True}, Matched("everyone", None)),
        (None, Matched("messages", None)),
    ],
)
def test_recipient_is_matched_by_a_word_of_the_request(to: object, matched: Matched) -> None:
    assert matched_by(a_notification(request={"to": to} if to is not None else {}), SENT) == matched


def _stored(kind: EventKind, data: Mapping[str, Any]) -> StoredEvent:
    return StoredEvent("event-1", TENANT_ID, kind, NOW, encode_event(Event("event-1", TENANT_ID, kind, NOW, data)))


def test_event_of_a_chunk_is_about_the_recipients_that_it_names() -> None:
    named = Result(Outcome.SENT, "projects/p/messages/1", 200, 1, Platform.ANDROID, '"device_id":"device-3"')
    event = _stored(EventKind.NOTIFICATION_SENT, chunk_data(a_notification(), 0, [("device-1", SENT), ("device-22", named)]))
    assert [tells_of(event, name) for name in ("device-1", "device-22", "device-2", "device-3")] == [True, True, False, False]


def test_event_of_receipts_is_about_the_devices_that_it_names() -> None:
    change = ReceiptChange(None, StoredReceipt(ReceiptKey("notification-1", "device-1"), NOW, NOW))
    event = _stored(EventKind.NOTIFICATION_DELIVERED, {"receipts": told_of([change], ReceiptEvent.DELIVERED)})
    assert [tells_of(event, name) for name in ("device-1", "device-2")] == [True, False]


def test_event_of_a_status_is_about_everybody() -> None:
    assert tells_of(_stored(EventKind.NOTIFICATION_COMPLETED, status_data(a_notification())), "device-1")


WORDING = Wording("order", 3, Syntax.DOUBLE, {}, {}, {"sw": {}}, {})


def traced(row_kept: bool = True, **fields: object) -> DeviceTrace:  # noqa: FBT001, FBT002 - a test's own
    rows = [a_recipient(device_id="device-1", locale="sw-TZ", username="alice", **fields)] if row_kept else []
    notification = a_notification(wording=WORDING, request={"to": {"usernames": ["alice"]}})
    found = trace_of(notification, replace(CLAIMED, results={"device-1": SENT}), rows, "device-1", a_device(id="device-1", locale="en"))
    assert found is not None
    return found


def test_template_and_locale_are_those_of_the_row_that_was_sent_to() -> None:
    trace = traced()
    assert trace.told == Told("order", 3, "sw")
    assert trace.sent_to is not None
    assert trace.sent_to.is_as_sent


def test_what_is_kept_of_the_device_stands_in_for_the_row() -> None:
    trace, device = traced(row_kept=False), a_device(id="device-1")
    assert trace.told == Told("order", 3, None)
    assert trace.sent_to == SentTo(device.target.kind.value, device.target.value[-6:], is_as_sent=False)


def test_message_of_its_own_is_worded_by_its_own_template() -> None:
    own = replace(WORDING, template="own", version=1, locales={})
    assert traced(content=Content({}, 60, own)).told == Told("own", 1, None)


def test_steps_come_in_the_order_of_their_times() -> None:
    retry = SENT._replace(since=after(4), detail="m1")
    done = replace(CLAIMED, completed_at=after(60), state=ChunkState.DONE)
    delivery = WebhookDelivery(
        DeliveryKey(TENANT_ID, "w1", "e1"), EventKind.NOTIFICATION_SENT, DeliveryState.DELIVERED, after(61), None, None, completed_at=after(70)
    )
    pending = replace(delivery, state=DeliveryState.PENDING, completed_at=None)
    trace = DeviceTrace(
        a_notification(),
        "device-1",
        retry,
        Matched("usernames", "alice"),
        chunk=done,
        retirement=Retirement("UNREGISTERED", after(59), "notification-1"),
        receipt=StoredReceipt(ReceiptKey("notification-1", "device-1"), NOW, after(65), after(66)),
        webhooks=tuple(ToldWebhook("e1", EventKind.NOTIFICATION_SENT, after(60), one) for one in (delivery, pending)),
    )
    assert steps_of(trace) == [
        Step(NOW, "accepted", "usernames"),
        Step(after(2), "first_attempt"),
        Step(after(4), "failed_first"),
        Step(after(59), "target_retired", "UNREGISTERED"),
        Step(after(60), "sent", "m1"),
        Step(after(65), "delivered"),
        Step(after(66), "read"),
        Step(after(70), "webhook", "notification.sent delivered"),
    ]


def test_what_was_only_accepted_has_one_step() -> None:
    trace = DeviceTrace(a_notification(), "device-1", SENT._replace(outcome=Outcome.UNSENT), Matched("everyone", None))
    assert steps_of(trace) == [Step(NOW, "accepted", "everyone")]


@pytest.mark.parametrize(
    ("chunk", "result"),
    [(None, SENT._replace(outcome=Outcome.UNSENT)), (replace(CLAIMED, completed_at=after(9)), SENT._replace(outcome=Outcome.UNSENT))],
)
def test_unsent_recipient_has_no_step_of_an_outcome(chunk: Chunk | None, result: Result) -> None:
    receipt = StoredReceipt(ReceiptKey("notification-1", "device-1"), NOW, after(65))
    steps = [
        step.name for step in steps_of(DeviceTrace(a_notification(), "device-1", result, Matched("everyone", None), chunk=chunk, receipt=receipt))
    ]
    assert steps == ["accepted", *(["first_attempt"] if chunk else []), "delivered"]


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
