"""`/notifications`: what became of a message."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, jsonify
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from fanfare.domain.client import Scope
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Outcome, Result
from fanfare.services.list_pages import page_of_deliveries
from fanfare.services.show_notification import get_notification
from fanfare.web.device_schemas import show_time
from fanfare.web.gate import authorized, caller, deps
from fanfare.web.schema import Identifier, In, Out, Query, problems

blueprint = APIBlueprint("notifications", __name__, abp_tags=[Tag(name="notifications", description="What became of what was sent.")])
Status = Literal["accepting", "queued", "sending", "paused", "completed", "cancelled"]


class NotificationPath(In):
    """Which notification."""

    id: Identifier


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


class NotificationOut(StatusOut):
    """A notification and the request that made it, without targets."""

    errors: dict[str, int]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    caller: str | None
    type: str | None
    client_id: str
    request_id: str
    ttl_seconds: int
    request: dict[str, Any]


class DeliveryOut(Out):
    """One recipient's outcome. `device_id` is null for a topic or condition, which FCM fans out itself."""

    device_id: str | None
    platform: Literal["android", "ios", "web"] | None
    username: str | None
    outcome: Literal["sent", "failed", "retrying", "unsent"]
    fcm_message_id: str | None
    error_code: str | None
    http_status: int | None
    attempts: int
    delivered_at: datetime | None
    read_at: datetime | None


class DeliveryPage(Out):
    """A page of deliveries."""

    items: list[DeliveryOut]
    next_cursor: str | None


class DeliveryQuery(Query):
    """Paging."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=512)] | None = None


@blueprint.get("/notifications/<id>", responses={200: NotificationOut, **problems(404)})
@authorized(Scope.READ)
def show(path: NotificationPath) -> Response:
    """Show a notification."""
    notification = get_notification(deps(), caller().tenant, path.id)
    return jsonify(_show(notification))


@blueprint.get("/notifications/<id>/status", responses={200: StatusOut, **problems(404)})
@authorized(Scope.READ)
def status(path: NotificationPath) -> Response:
    """Show a notification's state and counts."""
    return jsonify(_show_status(get_notification(deps(), caller().tenant, path.id)))


@blueprint.get("/notifications/<id>/deliveries", responses={200: DeliveryPage, **problems(404)})
@authorized(Scope.READ)
def deliveries(path: NotificationPath, query: DeliveryQuery) -> Response:
    """List a notification's recipients with their outcomes."""
    items, cursor = page_of_deliveries(deps(), caller().tenant, path.id, query.limit, query.cursor)
    return jsonify({"items": [_show_delivery(device_id, result) for device_id, result in items], "next_cursor": cursor})


def _show_status(notification: Notification) -> dict[str, Any]:
    return {
        "id": notification.id,
        "status": notification.status.value,
        "status_reason": notification.status_reason,
        "counts": asdict(notification.counts),
    }


def _show(notification: Notification) -> dict[str, Any]:
    return {
        **_show_status(notification),
        "errors": dict(notification.errors),
        "created_at": show_time(notification.created_at),
        "started_at": show_time(notification.started_at),
        "completed_at": show_time(notification.completed_at),
        "caller": notification.caller,
        "type": notification.type,
        "client_id": notification.client_id,
        "request_id": notification.request_id,
        "ttl_seconds": notification.ttl_seconds,
        "request": dict(notification.request),
    }


def _show_delivery(device_id: str, result: Result) -> dict[str, Any]:
    sent = result.outcome is Outcome.SENT
    return {
        "device_id": device_id or None,
        "platform": result.platform.value if result.platform else None,
        "username": result.username,
        "outcome": result.outcome.value,
        "fcm_message_id": result.detail if sent else None,
        "error_code": None if sent else result.detail or None,
        "http_status": result.http_status or None,
        "attempts": result.attempts,
        "delivered_at": None,
        "read_at": None,
    }
