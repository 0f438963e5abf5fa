"""Which rows receipts count in, whose time to delivery counts, and which devices were heard of by them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fanfare.domain.analytics import Amounts, Row, RowKey
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Notification
from fanfare.domain.receipt_sums import Noted, NotedPlace, ReceiptSum, Seen, amounts_of, chunk_of, newly_seen, sum_receipts
from fanfare.domain.receipts import ReceiptEvent, ReceiptKey, StoredReceipt
from fanfare.domain.shard import shard_of
from tests.factories import NOW, TENANT_ID, a_notification

DELIVERED, READ = ReceiptEvent.DELIVERED, ReceiptEvent.READ
SECOND = timedelta(seconds=1)
BROADCAST = a_notification(chunk_count=8, layout=Layout(Source.AUDIENCE, 1, (8,)))
RECEIPT = StoredReceipt(ReceiptKey("notification-1", "device-1"), NOW, NOW + 3 * SECOND)


def a_noted(device: str = "device-1", notification: str = "notification-1", *, at: datetime = NOW, tenant: str = TENANT_ID) -> Noted:
    return Noted(tenant, replace(RECEIPT, key=ReceiptKey(notification, device)), NotedPlace(at, f"{notification}/{device}"))


@pytest.mark.parametrize(
    ("notification", "expected"),
    [
        (a_notification(), 0),
        (BROADCAST, shard_of("device-1", 8)),
        (replace(BROADCAST, chunk_count=0), None),
        (replace(BROADCAST, layout=Layout(Source.RECIPIENTS, 0, (8,))), None),
    ],
)
def test_chunk_is_known_where_no_search_is_needed(notification: Notification, expected: int | None) -> None:
    found = chunk_of(notification, "device-1")
    assert found == (ChunkKey(TENANT_ID, "notification-1", expected) if expected is not None else None)


@pytest.mark.parametrize(
    ("receipt", "started_at", "expected"),
    [
        (RECEIPT, NOW + SECOND, Amounts(total_delivered=1, delivery_ms=2_000, delivery_times=1)),
        (RECEIPT, NOW + 3 * SECOND, Amounts(total_delivered=1, delivery_ms=0, delivery_times=1)),
        (RECEIPT, NOW + 4 * SECOND, Amounts(total_delivered=1)),
        (RECEIPT, None, Amounts(total_delivered=1)),
        (replace(RECEIPT, is_timed=False), NOW, Amounts(total_delivered=1)),
    ],
)
def test_time_counts_if_both_clocks_make_sense(receipt: StoredReceipt, started_at: datetime | None, expected: Amounts) -> None:
    assert amounts_of(DELIVERED, receipt, started_at) == expected


def test_reading_takes_no_time_to_deliver() -> None:
    assert amounts_of(READ, RECEIPT, NOW) == Amounts(total_read=1)


def test_receipts_count_where_their_message_counts_on_the_platform_of_their_device() -> None:
    named = a_notification(topic="news")
    page = [a_noted("a"), a_noted("b"), a_noted("gone"), a_noted("a", "unknown"), a_noted("a", tenant="globex")]
    platforms = {(TENANT_ID, "a"): "ios", (TENANT_ID, "b"): "ios"}
    [found] = sum_receipts(DELIVERED, page, {(TENANT_ID, "notification-1"): named}, platforms, {ChunkKey(TENANT_ID, "notification-1", 0): NOW})
    once = Amounts(total_delivered=1, delivery_ms=3_000, delivery_times=1)
    twice = Amounts(total_delivered=2, delivery_ms=6_000, delivery_times=2)
    times = {"delivery_delay.5000": 3, "delivery_delay.ms": 9_000}
    assert found == ReceiptSum(named, {"ios": twice, None: once}, times)
    assert found.counters == {"delivered.ios": 2, "delivered.none": 1, **times}
    day = NOW.date()
    assert found.rows == (Row(RowKey(day, "client-1", "news", "ios", None), twice), Row(RowKey(day, "client-1", "news", None, None), once))


def test_dry_run_counts_nowhere() -> None:
    dry = a_notification(validate_only=True)
    assert sum_receipts(READ, [a_noted()], {(TENANT_ID, "notification-1"): dry}, {}, {}) == []


def test_message_whose_chunk_nobody_knows_counts_without_its_time() -> None:
    packed = replace(BROADCAST, layout=Layout(Source.RECIPIENTS, 0, (8,)))
    [found] = sum_receipts(DELIVERED, [a_noted()], {(TENANT_ID, "notification-1"): packed}, {}, {})
    assert found.added == {None: Amounts(total_delivered=1)}


def test_app_is_heard_of_once_a_day() -> None:
    midnight = NOW.replace(hour=0)
    seen = {"old": Seen("web", midnight - SECOND), "new": Seen("web", midnight)}
    page = [a_noted("old", at=NOW), a_noted("old", at=NOW + SECOND), a_noted("old", at=NOW - SECOND), a_noted("new"), a_noted("gone")]
    assert newly_seen(page, seen) == {"old": NOW + SECOND}
