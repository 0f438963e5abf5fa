"""What failed for good although a replay may mend it: a chunk, whose recipients are found in its results, or the delivery of an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.delivery import SWEEP_GRACE, clear_errors, count_errors
from fanfare.domain.event import EventKind
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count, count_by_platform
from fanfare.domain.webhook_delivery import DeliveryKey, WebhookDelivery, is_exhausted


class DeadLetterKind(StrEnum):
    """What it was that failed."""

    NOTIFICATION = "notification"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A chunk's failures that a replay may mend: how many by error code, and why they ended."""

    id: str
    key: ChunkKey
    codes: Mapping[str, int]
    reason: str
    created_at: datetime
    replayed_at: datetime | None = None
    kind: DeadLetterKind = DeadLetterKind.NOTIFICATION


@dataclass(frozen=True, slots=True)
class WebhookLetter:
    """An event that an endpoint has not taken in all its attempts. `reason` is the last one's error, or `http_` and the last status."""

    id: str
    key: DeliveryKey
    event_kind: EventKind
    reason: str
    attempts: int
    created_at: datetime
    replayed_at: datetime | None = None
    kind: DeadLetterKind = DeadLetterKind.WEBHOOK


AnyLetter = DeadLetter | WebhookLetter


def webhook_letter_id(key: DeliveryKey) -> str:
    """Name a delivery's dead letter: a second failure after a replay replaces the first."""
    return f"{key.webhook_id}-{key.event_id}"


def webhook_letter_of(delivery: WebhookDelivery, now: datetime) -> WebhookLetter | None:
    """The dead letter of a delivery that ended; None if a replay has nothing to mend."""
    if not is_exhausted(delivery):
        return None
    key = delivery.key
    return WebhookLetter(webhook_letter_id(key), key, delivery.kind, delivery.reason or "", delivery.attempts, now)


def dead_letter_id(key: ChunkKey) -> str:
    """Name a chunk's dead letter: a second failure after a replay replaces the first."""
    return f"{key.notification_id}-{key.number}"


def dead_letter_of(chunk: Chunk, now: datetime) -> DeadLetter | None:
    """The dead letter of a chunk that ended; None if nobody in it failed in a way that a replay may mend."""
    codes = Counter(result.detail for result in chunk.results.values() if result.dead_letter)
    if not codes:
        return None
    return DeadLetter(dead_letter_id(chunk.key), chunk.key, dict(codes), codes.most_common(1)[0][0], now)


@dataclass(frozen=True, slots=True)
class Replay:
    """A chunk and its notification as a replay leaves them: what had failed is due again, with a new life."""

    chunk: Chunk
    notification: Notification


def count_replayable(chunk: Chunk) -> int:
    """How many of a chunk's failures a replay may mend; none while it is under way."""
    return sum(result.dead_letter for result in chunk.results.values()) if chunk.state is ChunkState.DONE else 0


def plan_replay(chunk: Chunk, notification: Notification, now: datetime) -> Replay | None:
    """Make a dead letter's recipients due again; None if the chunk is under way or has none."""
    if chunk.state is not ChunkState.DONE:
        return None
    results = {device_id: _again(result, now) if result.dead_letter else result for device_id, result in chunk.results.items()}
    counts = count(results.values(), chunk.counts.targeted)
    if counts.retrying == 0:
        return None
    again = replace(
        chunk, state=ChunkState.RETRYING, results=results, counts=counts, errors=clear_errors(results), due_at=now, planned_at=now, completed_at=None
    )
    again = replace(again, stop=None, next_check_at=now + SWEEP_GRACE)
    status = NotificationStatus.SENDING
    progress = replace(notification, status=status, counts=counts, errors=count_errors(results), completed_at=None, status_reason="replayed")
    return Replay(again, replace(progress, platforms=count_by_platform(results.values())))


def _again(result: Result, now: datetime) -> Result:
    return result._replace(outcome=Outcome.RETRYING, attempts=0, due_at=now, since=None, dead_letter=False)
