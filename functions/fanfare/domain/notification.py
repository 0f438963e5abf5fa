"""A notification: one accepted request to send, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from fanfare.domain.message import Message

FIRST_CHECK = timedelta(seconds=60)
"""A notification whose task has not begun by then is swept: its nudge was lost."""


class NotificationStatus(StrEnum):
    """The life of a notification; the last two are final."""

    ACCEPTING = "accepting"
    QUEUED = "queued"
    SENDING = "sending"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class StatusReason(StrEnum):
    """Why a notification is in its state, where the state alone does not say it."""

    NO_RECIPIENTS = "no_recipients"


@dataclass(frozen=True, slots=True)
class Counts:
    """Recipients by outcome. Their sum of `sent`, `failed`, `retrying` and `unsent` is `targeted`."""

    targeted: int = 0
    sent: int = 0
    failed: int = 0
    retrying: int = 0
    unsent: int = 0
    delivered: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class Notification:
    """One accepted request. `request` is what the caller asked, without targets; `request_hash` is of all of it.

    `planned_at` is when it was to be sent: its time to live counts from there, on every attempt.
    """

    id: str
    tenant: str
    client_id: str
    message: Message
    ttl_seconds: int
    request: Mapping[str, Any]
    request_hash: str
    request_id: str
    status: NotificationStatus
    counts: Counts
    created_at: datetime
    planned_at: datetime
    chunk_count: int = 1
    validate_only: bool = False
    status_reason: str | None = None
    caller: str | None = None
    type: str | None = None
    usernames: tuple[str, ...] = ()
    started_at: datetime | None = None
    completed_at: datetime | None = None
    next_check_at: datetime | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
