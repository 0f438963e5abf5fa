"""A notification: one accepted request to send, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Any

from fanfare.domain.call import ActorKind
from fanfare.domain.layout import Layout
from fanfare.domain.local_time import LocalTime
from fanfare.domain.message import Message
from fanfare.domain.wording import Wording

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
    CANCELLING = "cancelling"
    PAUSING = "pausing"
    BY_CALLER = "by_caller"
    BY_HAND = "by_hand"
    GUARD_ERROR_SHARE = "guard_error_share"
    GUARD_DEAD_SHARE = "guard_dead_share"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    NOT_ACCEPTED_IN_TIME = "not_accepted_in_time"


FINAL_STATUSES = frozenset({NotificationStatus.COMPLETED, NotificationStatus.CANCELLED})


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
class Judgement:
    """What the guard of a ramp last found: of the stage's outcomes, the shares (0 to 1) of errors and of dead targets, and what tripped it, if so."""

    stage: int
    outcomes: int
    error_share: float
    dead_share: float
    tripped: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """One accepted request. `request` is what the caller asked, without targets; `request_hash` is of all of it.

    `message` is what the request says itself; where a template words it, `wording` says what each recipient is told.
    `planned_at` is when it was to be sent: its time to live counts from there, on every attempt.
    `usernames` and `profile_ids` are the first 20 that were addressed; `actor_kind`, `client_id` and `address` say who made it, from where.
    `paused` is what was asked for, also by hand in the database; the status says what is so.
    `platforms` is what of one chunk was sent and failed on each platform, `retried` how many attempts followed first ones; of many, the sums say it.
    `layout` is set where there are, or may be, many chunks; with a `local_time` each of its stages waits for its instant.
    `viewers` are the profiles whose own apps may see what becomes of it, each with its devices (public_view.py).
    `refused` are the forms of the message that FCM refused to one chunk of many, with the error code, so that no other one sends them again.
    `revision` is the store's mark of the state that was read.
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
    wording: Wording | None = None
    profile_ids: tuple[str, ...] = ()
    topic: str | None = None
    schedule_id: str | None = None
    actor_kind: ActorKind = ActorKind.CLIENT
    address: str | None = None
    paused: bool = False
    layout: Layout | None = None
    platforms: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    local_time: LocalTime | None = None
    judgement: Judgement | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    viewers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retried: int = 0
    revision: object = field(default=None, compare=False, repr=False)

    @property
    def template(self) -> str | None:
        """The name of the template that it was worded by."""
        return self.wording.template if self.wording is not None else None


def is_cancelling(notification: Notification) -> bool:
    """Tell whether a notification of many chunks is being ended early: its chunks are, each by its next call."""
    return notification.layout is not None and notification.status_reason in {StatusReason.CANCELLING, StatusReason.EXPIRING}


def chunk_numbers(notification: Notification, start: int = 0) -> Iterator[int]:
    """The numbers of a notification's chunks, from one on."""
    layout = notification.layout
    return chain.from_iterable(layout.numbers(start)) if layout is not None and layout.stages else iter(range(start, notification.chunk_count))


def has_chunk(notification: Notification, number: int) -> bool:
    """Tell whether a notification has a chunk of this number."""
    layout = notification.layout
    return layout.holds(number) if layout is not None and layout.stages else number < notification.chunk_count
