"""Rows of numbers: what a tenant sent on a UTC day, by client, topic, platform and template.

A notification counts on the UTC day on which it was created, whenever the last of its messages was tried again or read: the shares of delivered and
read are then those of the same messages. A dry run counts nowhere. What FCM fans out itself (to a topic or a condition) counts as one message of no
platform. Pings are notifications of the function `keepalive` by the template of that name, and count under both: fcmpy counts them as sent, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import NamedTuple


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
    """What a row is of; None: of no such thing (what was cleaned is of no client, a message may have no topic, and a platform that nobody knows)."""

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
        return self != EVERY_ROW


EVERY_ROW = RowFilter()


def days_between(first: date, last: date) -> list[date]:
    """The days from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


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
