"""Summing receipts: which rows of which days they count in, by whom and how fast a message was received.

What is added to a notification's own sums and to the rows of its day is stored in one commit with the place in the order of receipts that was come
to: no receipt is counted twice, and none is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from fanfare.domain.analytics import Amounts, Row, total
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.chunk_rows import is_of_audience
from fanfare.domain.fleet_counters import delays, received_counters
from fanfare.domain.metrics import Counters, add
from fanfare.domain.notification import Notification
from fanfare.domain.receipts import ReceiptEvent, StoredReceipt
from fanfare.domain.shard import shard_of
from fanfare.domain.tallying import ByPlatform, row_key

NOTED_LAG = timedelta(seconds=10)
"""Receipts are summed this long after the server's time of them: none can then come before one that was summed."""


class NotedPlace(NamedTuple):
    """A place in the order of receipts: the server's time at which something was noted, and the name of the receipt in the whole database."""

    at: datetime
    name: str


class Noted(NamedTuple):
    """A receipt that something was noted of, and where that stands in their order."""

    tenant: str
    receipt: StoredReceipt
    place: NotedPlace


class Seen(NamedTuple):
    """What summing wants to know of a device; `revision` is the store's mark of the state that was read."""

    platform: str
    last_seen_at: datetime
    revision: object = None


@dataclass(frozen=True, slots=True)
class ReceiptSum:
    """What a notification's receipts add, by the platforms of their devices (None: one that is not known any more).

    `delays` are their times to delivery, as the numbers of the fleet count them.
    """

    notification: Notification
    added: ByPlatform
    delays: Counters = field(default_factory=dict)

    @property
    def counters(self) -> Counters:
        """What the numbers of the fleet get by it."""
        return add([received_counters(self.added), self.delays])

    @property
    def rows(self) -> tuple[Row, ...]:
        """What the rows of its day get by it."""
        return tuple(Row(row_key(self.notification, platform), amounts) for platform, amounts in self.added.items())


def chunk_of(notification: Notification, device_id: str) -> ChunkKey | None:
    """The chunk that a device was sent to with; None where only a search would find it."""
    if notification.layout is None:
        return ChunkKey(notification.tenant, notification.id, 0)
    if not is_of_audience(notification) or not notification.chunk_count:
        return None
    return ChunkKey(notification.tenant, notification.id, shard_of(device_id, notification.chunk_count))


def amounts_of(event: ReceiptEvent, receipt: StoredReceipt, started_at: datetime | None) -> Amounts:
    """What one receipt adds. `started_at` is when its message was sent; None: nobody knows, and its time to delivery does not count."""
    if event is ReceiptEvent.READ:
        return Amounts(total_read=1)
    if not receipt.is_timed or started_at is None or receipt.delivered_at < started_at:
        return Amounts(total_delivered=1)
    return Amounts(total_delivered=1, delivery_ms=round((receipt.delivered_at - started_at).total_seconds() * 1e3), delivery_times=1)


def sum_receipts(
    event: ReceiptEvent,
    noted: Iterable[Noted],
    notifications: Mapping[tuple[str, str], Notification],
    platforms: Mapping[tuple[str, str], str],
    started: Mapping[ChunkKey, datetime],
) -> list[ReceiptSum]:
    """Sum receipts by notification. One that is gone has no row that anybody could look for; a dry run sent nothing."""
    parts: dict[tuple[str, str], dict[str | None, list[Amounts]]] = {}
    for tenant, receipt, _ in noted:
        notification = notifications.get((tenant, receipt.key.notification_id))
        if notification is None or notification.validate_only:
            continue
        chunk = chunk_of(notification, receipt.key.device_id)
        amounts = amounts_of(event, receipt, started.get(chunk) if chunk is not None else None)
        by_platform = parts.setdefault((tenant, notification.id), {})
        by_platform.setdefault(platforms.get((tenant, receipt.key.device_id)), []).append(amounts)
    return [_summed(notifications[place], found) for place, found in parts.items()]


def _summed(notification: Notification, parts: Mapping[str | None, Sequence[Amounts]]) -> ReceiptSum:
    times = [timedelta(milliseconds=each.delivery_ms) for amounts in parts.values() for each in amounts if each.delivery_times]
    return ReceiptSum(notification, {platform: total(amounts) for platform, amounts in parts.items()}, delays(times))


def newly_seen(noted: Iterable[Noted], seen: Mapping[str, Seen]) -> dict[str, datetime]:
    """When the apps of devices were heard of, by receipts of one tenant: of those alone for which it is another day than before."""
    latest: dict[str, datetime] = {}
    for _, receipt, place in noted:
        device_id = receipt.key.device_id
        if device_id in seen:
            latest[device_id] = max(place.at, latest.get(device_id, place.at))
    return {name: at for name, at in latest.items() if seen[name].last_seen_at.astimezone(UTC).date() < at.astimezone(UTC).date()}
