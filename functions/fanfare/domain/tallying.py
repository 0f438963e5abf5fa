"""What notifications contribute to the rows of their days.

Each remembers what it has contributed. What it adds to the rows is the difference to that, stored in the same commit: a tally that is
repeated, broken off or overtaken by another one changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date

from fanfare.domain.analytics import NOTHING, Amounts, Row, RowKey, difference, total
from fanfare.domain.metrics import Counters, rises
from fanfare.domain.notification import FINAL_STATUSES, Counts, Notification, NotificationStatus

ByPlatform = Mapping[str | None, Amounts]
"""What a notification contributes, by the platforms of its recipients."""


@dataclass(frozen=True, slots=True)
class Untallied:
    """A notification that has changed since it was tallied, and what it has contributed so far: to the rows, and to the numbers of the fleet."""

    notification: Notification
    contributed: ByPlatform
    counters: Counters = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """A notification's contributions as they are to be stored, what the rows get by that, and whether it is to be tallied again.

    `counters` are those to the numbers of the fleet, `counted` is what these get by that: they never become less.
    """

    notification: Notification
    contributed: ByPlatform
    rows: tuple[Row, ...]
    is_over: bool
    counters: Counters = field(default_factory=dict)
    counted: Counters = field(default_factory=dict)


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


def decide_tally(found: Untallied, present: ByPlatform, counters: Counters | None = None) -> Tally:
    """Decide what a notification adds to the rows, now that it contributes `present`; one that has not ended is tallied again.

    To the numbers of the fleet it contributes `counters`; None: what it has contributed so far.
    """
    notification, before = found.notification, found.contributed
    names = [*present, *(name for name in before if name not in present)]
    changes = [(name, difference(present.get(name, NOTHING), before.get(name, NOTHING))) for name in names]
    rows = tuple(Row(row_key(notification, name), change) for name, change in changes if change)
    # Of one chunk, whatever changes it marks it again; chunks of many change without a word to their notification until the last one.
    is_over = notification.status in FINAL_STATUSES or (notification.layout is None and notification.status is not NotificationStatus.ACCEPTING)
    counters = found.counters if counters is None else counters
    return Tally(notification, present, rows, is_over, counters, rises(counters, found.counters))


def row_key(notification: Notification, platform: str | None) -> RowKey:
    """Where a notification's messages to a platform count."""
    return RowKey(day_of(notification), notification.client_id, notification.topic, platform, notification.template)
