"""Events: what happened, told to whoever listens by webhooks, the stream and polling.

An event is the thin tail of a state that is stored: a chunk's results, a device's document and a notification's status are the truth. It is written
in the commit of what it tells of, and only if somebody wants its kind (`listening.py`).

Its body is fixed when it is made: the bytes that a webhook is posted and that the stream shows are the same, today and when it is replayed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

VERSION = 1
"""Of the form of the bodies; fields are only added within one."""
CURSOR_LAG = timedelta(seconds=5)
"""Events are listed and streamed this long after the server's time of them: in the order of (time, id), none can come before one that was shown."""


class EventKind(StrEnum):
    """What may happen. The names are permanent."""

    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_FAILED = "notification.failed"
    NOTIFICATION_DELIVERED = "notification.delivered"
    NOTIFICATION_READ = "notification.read"
    NOTIFICATION_COMPLETED = "notification.completed"
    NOTIFICATION_PAUSED = "notification.paused"
    NOTIFICATION_CANCELLED = "notification.cancelled"
    DEVICE_REGISTERED = "device.registered"
    DEVICE_DEACTIVATED = "device.deactivated"
    DEVICE_REVIVED = "device.revived"
    TENANT_QUARANTINED = "tenant.quarantined"
    SCHEDULE_FIRED = "schedule.fired"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_TEST = "webhook.test"


LISTENABLE = frozenset(EventKind) - {EventKind.WEBHOOK_TEST}
"""Kinds that a webhook or a stream may ask for; a test goes to the one webhook that is tested."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` is our clock's, for people; the order of events is the server's time of their documents, then their ids.

    `data` is what is told of it. `notification_ids` are those that it is about, by which events are filtered. `webhooks` are the endpoints that it is
    delivered to: their deliveries are stored in the same commit. `request_id` is that of the request that began it all.
    """

    id: str
    tenant: str
    kind: EventKind
    at: datetime
    data: Mapping[str, Any]
    notification_ids: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was stored: `created_at` is the server's time, `body` the exact bytes that are posted and shown."""

    id: str
    tenant: str
    kind: EventKind
    created_at: datetime
    body: bytes
    notification_ids: tuple[str, ...] = ()


def iso_time(at: datetime) -> str:
    """A time as events tell it: UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_event(event: Event) -> bytes:
    """Build an event's body: `{"id", "type", "timestamp", "version", "request_id", "data"}` in UTF-8 (Standard Webhooks' payload, and ours)."""
    body = {
        "id": event.id,
        "type": event.kind.value,
        "timestamp": iso_time(event.at),
        "version": VERSION,
        "request_id": event.request_id,
        "data": event.data,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
