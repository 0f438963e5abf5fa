"""Who was sent to, page by page: the recipients of one chunk, or of many, one chunk after the other.

Of a broadcast those are listed whose chunk has begun: before, nobody knows who they will be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.chunk_limits import MOST_ROWS
from fanfare.domain.chunk_rows import is_of_audience
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification, chunk_numbers
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.progress import deliveries_of
from fanfare.domain.receipts import ReceiptKey, StoredReceipt
from fanfare.ports import Deps
from fanfare.services.find_delivery import lacks_results
from fanfare.services.show_notification import find_notification

MOST_CHUNKS = 20
"""So many chunks are read for one page, which is short where nobody in them was addressed."""
Delivery = tuple[str, Result]


class Received(NamedTuple):
    """A device id and an outcome, with what the device's app has reported of it."""

    device_id: str
    result: Result
    receipt: StoredReceipt | None = None


def read_deliveries(deps: Deps, tenant: str, notification_id: str, limit: int, after: str | None) -> Page[Delivery]:
    """A page of device ids and outcomes; NotFound if the tenant has no such notification."""
    notification, chunk = find_notification(deps, tenant, notification_id)
    if notification.layout is not None:
        return _of_many(deps, notification, limit, after)
    recipients = deps.chunks.read_recipients(ChunkKey(tenant, notification.id, 0))
    deliveries = deliveries_of(recipients, chunk.results if chunk else {})
    start = int(after) if after else 0
    end = start + limit
    return Page(deliveries[start:end], str(end) if end < len(deliveries) else None)


def _of_many(deps: Deps, notification: Notification, limit: int, after: str | None) -> Page[Delivery]:
    start, offset = map(int, after.split(".")) if after else (0, 0)
    shown: list[Delivery] = []
    for _ in range(MOST_CHUNKS):
        number = next(chunk_numbers(notification, start), None)
        if number is None:
            return Page(shown, None)
        key = ChunkKey(notification.tenant, notification.id, number)
        deliveries = _of_chunk(deps, notification, key, deps.chunks.get_many([key])[0])
        taken = deliveries[offset : offset + limit - len(shown)]
        shown.extend(taken)
        start, offset = (number, offset + len(taken)) if offset + len(taken) < len(deliveries) else (number + 1, 0)
        if len(shown) == limit:
            break
    return Page(shown, f"{start}.{offset}" if next(chunk_numbers(notification, start), None) is not None else None)


def _of_chunk(deps: Deps, notification: Notification, key: ChunkKey, chunk: Chunk | None) -> Sequence[Delivery]:
    results = chunk.results if chunk is not None else {}
    if not is_of_audience(notification) and lacks_results(chunk):
        return deliveries_of(deps.chunks.read_recipients(key), results)
    return sorted(results.items())


def with_reports(deps: Deps, tenant: str, notification_id: str, deliveries: Sequence[Delivery]) -> list[Received]:
    """Read what apps have reported: a document for each recipient whose message was sent."""
    keys = [ReceiptKey(notification_id, name) for name, result in deliveries if name and result.outcome is Outcome.SENT]
    receipts = deps.receipts.get_many(tenant, keys)
    return [Received(name, result, receipts.get(ReceiptKey(notification_id, name))) for name, result in deliveries]


def list_deliveries(deps: Deps, tenant: str, notification_id: str) -> Sequence[Delivery]:
    """Everybody's device id and outcome; NotFound as above."""
    shown: list[Delivery] = []
    after: str | None = None
    while True:
        page = read_deliveries(deps, tenant, notification_id, MOST_CHUNKS * MOST_ROWS, after)
        shown.extend(page.items)
        after = page.next_after
        if after is None:
            return shown
