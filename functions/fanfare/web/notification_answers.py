"""Notifications as the API shows them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from fanfare.domain.notification import Notification
from fanfare.web.instants import show_time
from fanfare.web.schema import Out

Status = Literal["accepting", "queued", "sending", "paused", "completed", "cancelled"]


class CountsOut(Out):
    """Recipients by outcome; sent, failed, retrying and unsent add up to targeted."""

    targeted: int
    sent: int
    failed: int
    retrying: int
    unsent: int
    delivered: int
    read: int


class StatusOut(Out):
    """A notification's state and counts."""

    id: str
    status: Status
    status_reason: str | None
    counts: CountsOut


class StatusesOut(Out):
    """States in the order of the ids that were asked for, each once, and the ids that the tenant has no notification of."""

    items: list[StatusOut]
    missing: list[str]


class JudgementOut(Out):
    """What the guard of a ramp last found: shares from 0 to 1 of the outcomes of a stage, and what tripped it, if it did."""

    stage: int
    outcomes: int
    error_share: float
    dead_share: float
    tripped: str | None


class NotificationOut(StatusOut):
    """A notification and the request that made it, without targets; and who made it, from where."""

    errors: dict[str, int]
    guard: JudgementOut | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    caller: str | None
    type: str | None
    template: str | None
    schedule_id: str | None
    client_id: str
    address: str | None
    request_id: str
    ttl_seconds: int
    request: dict[str, Any]


class NotificationPage(Out):
    """A page of notifications."""

    items: list[NotificationOut]
    next_cursor: str | None


def show_status(notification: Notification) -> dict[str, Any]:
    """A state and counts."""
    return {
        "id": notification.id,
        "status": notification.status.value,
        "status_reason": notification.status_reason,
        "counts": asdict(notification.counts),
    }


def show_notification(notification: Notification) -> dict[str, Any]:
    """A notification."""
    return {
        **show_status(notification),
        "errors": dict(notification.errors),
        "guard": asdict(notification.judgement) if notification.judgement else None,
        "created_at": show_time(notification.created_at),
        "started_at": show_time(notification.started_at),
        "completed_at": show_time(notification.completed_at),
        "caller": notification.caller,
        "type": notification.type,
        "template": notification.template,
        "schedule_id": notification.schedule_id,
        "client_id": notification.client_id,
        "address": notification.address,
        "request_id": notification.request_id,
        "ttl_seconds": notification.ttl_seconds,
        "request": dict(notification.request),
    }
