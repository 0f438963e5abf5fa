"""One recipient's whole way as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fanfare.domain.progress import DeviceTrace
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


class TraceOut(DeliveryOut):
    """One recipient's way: `failed_first_at` and `next_attempt_at` while it is tried again, `replayable` where sending again may mend a failure."""

    notification_id: str
    notification_status: Status
    request_id: str
    accepted_at: datetime
    failed_first_at: datetime | None
    next_attempt_at: datetime | None
    replayable: bool
    retired: RetiredOut | None
    chunk: ChunkOut | None


def show_trace(trace: DeviceTrace) -> dict[str, Any]:
    """One recipient's way through a notification."""
    notification, result, chunk = trace.notification, trace.result, trace.chunk
    return {
        **show_delivery(trace.device_id, result),
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
    }
