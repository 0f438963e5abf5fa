"""One recipient's whole way as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fanfare.domain.trace import DeviceTrace, ToldWebhook, steps_of
from fanfare.web.delivery_answers import DeliveryOut, show_delivery
from fanfare.web.instants import show_time
from fanfare.web.notification_answers import Status
from fanfare.web.schema import Out


class ChunkOut(Out):
    """The chunk that a recipient was sent with: how often a call of `send` took it up, when first, and when it goes on."""

    number: int
    state: Literal["claimed", "retrying", "parked", "held", "done", "cancelled"]
    reason: str | None
    attempts: int
    started_at: datetime
    due_at: datetime | None
    completed_at: datetime | None


class RetiredOut(Out):
    """That FCM's answer to this message ended the device's target."""

    code: str
    at: datetime


class MatchedOut(Out):
    """By which of the request's words the recipient was addressed, and by which value, where one was asked for by name."""

    by: Literal["device_ids", "profile_ids", "usernames", "phone_numbers", "targets", "topic", "condition", "segment", "everyone", "messages"]
    value: str | None


class ToldOut(Out):
    """The template that worded the message, its version then, and the locale that was chosen of it; null without."""

    name: str | None
    version: int | None
    locale: str | None


class SentToOut(Out):
    """The target that was used. `as_sent` is false where the row that was sent to is kept no longer: this is the device's target now."""

    kind: Literal["token", "fid", "topic", "condition"]
    hint: str
    as_sent: bool


class StepOut(Out):
    """Something that happened to the message."""

    at: datetime
    step: Literal["accepted", "first_attempt", "failed_first", "sent", "failed", "target_retired", "delivered", "read", "webhook"]
    detail: str | None


class ToldWebhookOut(Out):
    """An event that tells of this recipient or of the notification as a whole, and its delivery to a webhook."""

    webhook_id: str
    event_id: str
    kind: str
    state: Literal["pending", "sending", "delivered", "failed", "dropped"]
    attempts: int
    last_status: int
    happened_at: datetime
    next_attempt_at: datetime | None
    completed_at: datetime | None


class TraceOut(DeliveryOut):
    """One recipient's way: `failed_first_at` and `next_attempt_at` while it is tried again, `replayable` where sending again may mend a failure.

    `steps` is what happened in the order in which it did.
    """

    notification_id: str
    notification_status: Status
    request_id: str
    accepted_at: datetime
    failed_first_at: datetime | None
    next_attempt_at: datetime | None
    replayable: bool
    retired: RetiredOut | None
    chunk: ChunkOut | None
    matched: MatchedOut
    template: ToldOut
    target: SentToOut | None
    webhooks: list[ToldWebhookOut]
    steps: list[StepOut]


def show_trace(trace: DeviceTrace) -> dict[str, Any]:
    """One recipient's way through a notification."""
    notification, result, chunk = trace.notification, trace.result, trace.chunk
    return {
        **show_delivery(trace.device_id, result, trace.receipt),
        "notification_id": notification.id,
        "notification_status": notification.status.value,
        "request_id": notification.request_id,
        "accepted_at": show_time(notification.created_at),
        "failed_first_at": show_time(result.since),
        "next_attempt_at": show_time(result.due_at),
        "replayable": result.dead_letter,
        "retired": {"code": trace.retirement.code, "at": show_time(trace.retirement.at)} if trace.retirement else None,
        "chunk": {
            "number": chunk.key.number,
            "state": chunk.state.value,
            "reason": chunk.reason,
            "attempts": chunk.attempt,
            "started_at": show_time(chunk.started_at),
            "due_at": show_time(chunk.due_at),
            "completed_at": show_time(chunk.completed_at),
        }
        if chunk is not None
        else None,
        "matched": trace.matched._asdict(),
        "template": {"name": trace.told.template, "version": trace.told.version, "locale": trace.told.locale},
        "target": {"kind": target.kind, "hint": target.hint, "as_sent": target.is_as_sent} if (target := trace.sent_to) is not None else None,
        "webhooks": [_show_webhook(told) for told in trace.webhooks],
        "steps": [{"at": show_time(step.at), "step": step.name, "detail": step.detail} for step in steps_of(trace)],
    }


def _show_webhook(told: ToldWebhook) -> dict[str, Any]:
    delivery = told.delivery
    return {
        "webhook_id": delivery.key.webhook_id,
        "event_id": told.event_id,
        "kind": told.kind.value,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "last_status": delivery.last_status,
        "happened_at": show_time(told.happened_at),
        "next_attempt_at": show_time(delivery.next_attempt_at),
        "completed_at": show_time(delivery.completed_at),
    }
