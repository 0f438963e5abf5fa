"""Receipts: what an app has reported of a message to a device, and what of a report is news.

| reported | noted |
|---|---|
| `delivered` first | delivered then; the time to delivery counts |
| `read` first | read and, because nobody reads what has not come, delivered then; the time does not count, a later `delivered` may set it earlier |
| a time to come | now; one before the message was asked for: then. Such a clock is wrong, its times do not count |
| the same again | nothing |

Reports may come in any order, again and late: until the retention of receipts has passed since the message was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from fanfare.domain.event import EventKind, iso_time
from fanfare.domain.notification import Notification

MOST_RECEIPTS = 500


class ReceiptEvent(StrEnum):
    """What an app may report of a message."""

    DELIVERED = "delivered"
    READ = "read"


class ReceiptKey(NamedTuple):
    """Which receipt of a tenant: of which message, by which device."""

    notification_id: str
    device_id: str


class ReceiptCounts(NamedTuple):
    """How many devices have reported that a message came, and that it was read."""

    delivered: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What an app says, of a message that it proves by a token; `at` is its own clock's (None: now). A topic's token does not name the device."""

    token: str
    event: ReceiptEvent
    at: datetime | None = None
    device_id: str | None = None


class Moment(NamedTuple):
    """When something is noted to have happened, and whether the app's clock said so itself."""

    at: datetime
    is_exact: bool


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """What is noted of a message to a device. `created_at` is when the message was asked for: from then on a receipt is kept.

    `is_timed` tells whether its time to delivery counts; `is_implied` that nobody has reported `delivered` yet. `revision` is the store's mark of
    the state that was read.
    """

    key: ReceiptKey
    created_at: datetime
    delivered_at: datetime
    read_at: datetime | None = None
    is_timed: bool = True
    is_implied: bool = False
    revision: object = field(default=None, compare=False, repr=False)


class ReceiptChange(NamedTuple):
    """A receipt as it was read (None: there was none) and as it is to be stored."""

    before: StoredReceipt | None
    after: StoredReceipt

    @property
    def news(self) -> tuple[ReceiptEvent, ...]:
        """What is noted by this for the first time."""
        if self.before is None:
            return (ReceiptEvent.DELIVERED, *((ReceiptEvent.READ,) if self.after.read_at is not None else ()))
        return (ReceiptEvent.READ,) if self.before.read_at is None and self.after.read_at is not None else ()


def bounded(at: datetime | None, created_at: datetime, now: datetime) -> Moment:
    """When something is to be noted that an app says happened at `at`; None: now."""
    if at is None:
        return Moment(max(now, created_at), is_exact=True)
    if at > now:
        return Moment(max(now, created_at), is_exact=False)
    return Moment(at, is_exact=True) if at >= created_at else Moment(created_at, is_exact=False)


def note(key: ReceiptKey, stored: StoredReceipt | None, created_at: datetime, said: Iterable[tuple[ReceiptEvent, Moment]]) -> ReceiptChange | None:
    """Note what was reported of one message to one device; None if nothing of it is news."""
    after = stored
    # A message that came and was read in one batch has come first, in whatever order that is told.
    for event, moment in sorted(said, key=lambda each: (each[0] is ReceiptEvent.READ, each[1].at, not each[1].is_exact)):
        after = _delivered(key, after, created_at, moment) if event is ReceiptEvent.DELIVERED else _read(key, after, created_at, moment)
    return ReceiptChange(stored, after) if after is not None and after != stored else None


def _delivered(key: ReceiptKey, stored: StoredReceipt | None, created_at: datetime, moment: Moment) -> StoredReceipt:
    if stored is None:
        return StoredReceipt(key, created_at, moment.at, is_timed=moment.is_exact)
    if not stored.is_implied:
        return stored
    # What was counted is not counted anew: its time goes on not to count.
    return replace(stored, delivered_at=min(stored.delivered_at, moment.at), is_implied=False)


def _read(key: ReceiptKey, stored: StoredReceipt | None, created_at: datetime, moment: Moment) -> StoredReceipt:
    if stored is None:
        return StoredReceipt(key, created_at, moment.at, moment.at, is_timed=False, is_implied=True)
    return stored if stored.read_at is not None else replace(stored, read_at=max(moment.at, stored.delivered_at))


EVENT_KINDS: Mapping[ReceiptEvent, EventKind] = {
    ReceiptEvent.DELIVERED: EventKind.NOTIFICATION_DELIVERED,
    ReceiptEvent.READ: EventKind.NOTIFICATION_READ,
}


def told_of(changes: Iterable[ReceiptChange], event: ReceiptEvent) -> Sequence[Mapping[str, Any]]:
    """What an event tells of those changes by which this was noted."""
    return [
        {
            "notification_id": change.after.key.notification_id,
            "device_id": change.after.key.device_id,
            "at": iso_time(change.after.delivered_at if event is ReceiptEvent.DELIVERED else change.after.read_at or change.after.delivered_at),
        }
        for change in changes
        if event in change.news
    ]


def is_counted_live(notification: Notification) -> bool:
    """Tell whether a reader is shown what a count of the receipts says, rather than the rollup's sum of some minutes ago.

    Of one chunk they are at most 500; what FCM fans out itself may have as many as a topic has subscribers.
    """
    named = notification.request.get("to") or {}
    return notification.layout is None and notification.counts.sent > 0 and not {"topic", "condition"} & set(named)


def with_receipts(notification: Notification, counted: ReceiptCounts) -> Notification:
    """Show what a count says; the sum stays that is greater, because receipts are removed before their message."""
    counts = notification.counts
    delivered, read = max(counts.delivered, counted.delivered), max(counts.read, counted.read)
    return replace(notification, counts=replace(counts, delivered=delivered, read=read))
