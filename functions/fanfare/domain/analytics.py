"""Rows of numbers: what a tenant sent on a UTC day, by client, topic, platform and template.

A notification counts on the UTC day on which it was created, whenever the last of its messages was tried again or read: the shares of delivered and
read are then those of the same messages. A dry run counts nowhere. What FCM fans out itself (to a topic or a condition) counts as one message of no
platform.

Each notification remembers what it has contributed. What it adds to the rows is the difference to that, stored in the same commit: a tally
that is repeated, broken off or overtaken by another one changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, timedelta
from typing import NamedTuple

from fanfare.domain.notification import FINAL_STATUSES, Counts, Notification, NotificationStatus

KEEPALIVE_TEMPLATE = "keepalive"
"""What pings count under, by no client: fcmpy counts them as sent, so they are in the totals, and a filter tells them from the rest."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is counted. `delivery_ms` is the sum of `delivery_times` times from sending to delivery, in milliseconds."""

    total_sent: int = 0
    total_failed: int = 0
    total_delivered: int = 0
    total_read: int = 0
    cleaned: int = 0
    delivery_ms: int = 0
    delivery_times: int = 0

    @property
    def avg_delivery_time_ms(self) -> float | None:
        """The mean time to delivery; None without a receipt."""
        return self.delivery_ms / self.delivery_times if self.delivery_times else None

    def __bool__(self) -> bool:
        """Tell whether anything is counted."""
        return self != NOTHING


NOTHING = Amounts()
AMOUNTS = tuple(field.name for field in fields(Amounts))


def total(amounts: Iterable[Amounts]) -> Amounts:
    """Several amounts together."""
    sums = dict.fromkeys(AMOUNTS, 0)
    for one in amounts:
        for name in AMOUNTS:
            sums[name] += getattr(one, name)
    return Amounts(**sums)


def difference(after: Amounts, before: Amounts) -> Amounts:
    """What is to be added, so that `before` becomes `after`; less than nothing where something became less."""
    return Amounts(**{name: getattr(after, name) - getattr(before, name) for name in AMOUNTS})


class RowKey(NamedTuple):
    """What a row is of; None: of no such thing (a ping of no client, a message without a topic, a platform that nobody knows)."""

    day: date
    client_id: str | None = None
    topic: str | None = None
    platform: str | None = None
    template: str | None = None


class Row(NamedTuple):
    """A row, or what is to be added to one."""

    key: RowKey
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows are wanted; None does not filter."""

    client_id: str | None = None
    topic: str | None = None
    platform: str | None = None
    template: str | None = None

    def __bool__(self) -> bool:
        """Tell whether anything is filtered."""
        return self != RowFilter()


ByPlatform = Mapping[str | None, Amounts]
"""What a notification contributes, by the platforms of its recipients."""


@dataclass(frozen=True, slots=True)
class Untallied:
    """A notification that has changed since it was tallied, and what it has contributed so far."""

    notification: Notification
    contributed: ByPlatform


@dataclass(frozen=True, slots=True)
class Tally:
    """A notification's contributions as they are to be stored, what the rows get by that, and whether it is to be tallied again."""

    notification: Notification
    contributed: ByPlatform
    rows: tuple[Row, ...]
    is_over: bool


def days_between(first: date, last: date) -> list[date]:
    """The days from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def day_of(notification: Notification) -> date:
    """The day on which a notification counts."""
    return notification.created_at.astimezone(UTC).date()


def contributions_of(notification: Notification, counts: Counts, platforms: Mapping[str, Mapping[str, int]]) -> ByPlatform:
    """What a notification contributes by its counts, and by what was sent and failed on each platform; the rest has no platform."""
    if notification.validate_only:
        return {}
    known: dict[str | None, Amounts] = {name: Amounts(numbers.get("sent", 0), numbers.get("failed", 0)) for name, numbers in platforms.items()}
    known[None] = difference(Amounts(counts.sent, counts.failed), total(known.values()))
    return {name: amounts for name, amounts in known.items() if amounts}


def decide_tally(found: Untallied, present: ByPlatform) -> Tally:
    """Decide what a notification adds to the rows, now that it contributes `present`; one that has not ended is tallied again."""
    notification, before = found.notification, found.contributed
    names = [*present, *(name for name in before if name not in present)]
    changes = [(name, difference(present.get(name, NOTHING), before.get(name, NOTHING))) for name in names]
    rows = tuple(Row(row_key(notification, name), change) for name, change in changes if change)
    # Of one chunk, whatever changes it marks it again; chunks of many change without a word to their notification until the last one.
    is_over = notification.status in FINAL_STATUSES or (notification.layout is None and notification.status is not NotificationStatus.ACCEPTING)
    return Tally(notification, present, rows, is_over)


def row_key(notification: Notification, platform: str | None) -> RowKey:
    """Where a notification's messages to a platform count."""
    return RowKey(day_of(notification), notification.client_id, notification.topic, platform, notification.template)


def merge_rows(rows: Iterable[Row]) -> list[Row]:
    """Rows with the same key together, without those of nothing: a document is written once in a commit."""
    merged: dict[RowKey, list[Amounts]] = {}
    for row in rows:
        merged.setdefault(row.key, []).append(row.amounts)
    return [Row(key, amounts) for key, parts in merged.items() if (amounts := total(parts))]


def day_rows(rows: Iterable[Row]) -> list[Row]:
    """The same by day alone: what the totals of the days get."""
    return merge_rows(Row(RowKey(row.key.day), row.amounts) for row in rows)


def cleaned_rows(day: date, cleaned: Mapping[str | None, int]) -> list[Row]:
    """What a cleanup adds: devices whose targets were retired or removed because they were idle, by platform."""
    return merge_rows(Row(RowKey(day, platform=platform), Amounts(cleaned=number)) for platform, number in cleaned.items())


def keepalive_rows(day: date, sent: Mapping[str, int], failed: Mapping[str, int]) -> list[Row]:
    """What pings add, by platform."""
    names = [*sent, *(name for name in failed if name not in sent)]
    keys = {name: RowKey(day, platform=name, template=KEEPALIVE_TEMPLATE) for name in names}
    return merge_rows(Row(key, Amounts(sent.get(name, 0), failed.get(name, 0))) for name, key in keys.items())
