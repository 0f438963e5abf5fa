"""The ledger of events in memory, with the deliveries that are stored with its events."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

from fanfare.domain.event import Event, StoredEvent, encode_event
from fanfare.domain.event_cursor import EventPlace
from fanfare.domain.webhook_delivery import DeliveryKey, WebhookDelivery, new_delivery


class MemoryEventStore:
    """`told` keeps the events as they were made, in their order; `deliveries` is shared with the store of deliveries. An event's time is its own."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.deliveries: dict[DeliveryKey, WebhookDelivery] = {}
        self._stored: dict[tuple[str, str], StoredEvent] = {}
        self._lock = threading.Lock()

    def add(self, events: Iterable[Event]) -> None:
        """Store events as part of another store's write."""
        with self._lock:
            for event in events:
                self.told.append(event)
                self._stored[event.tenant, event.id] = StoredEvent(
                    event.id, event.tenant, event.kind, event.at, encode_event(event), event.notification_ids
                )
                self.deliveries.update((delivery.key, delivery) for delivery in (new_delivery(event, name) for name in event.webhooks))

    def record(self, events: Sequence[Event]) -> None:
        self.add(events)

    def get(self, tenant: str, event_id: str) -> StoredEvent | None:
        return self._stored.get((tenant, event_id))

    def get_many(self, tenant: str, event_ids: Sequence[str]) -> Sequence[StoredEvent | None]:
        return [self.get(tenant, event_id) for event_id in event_ids]

    def forget(self, tenant: str, event_id: str) -> None:
        """Remove an event, as cleanup does."""
        del self._stored[tenant, event_id]

    def read_after(
        self,
        tenant: str,
        after: EventPlace,
        until: datetime,
        limit: int,
        *,
        notification_id: str | None = None,
    ) -> Sequence[StoredEvent]:
        def is_of_query(event: StoredEvent) -> bool:
            return (
                event.tenant == tenant
                and tuple(after) < (event.created_at, event.id)
                and event.created_at <= until
                and (notification_id is None or notification_id in event.notification_ids)
            )

        found = sorted(filter(is_of_query, self._stored.values()), key=lambda event: (event.created_at, event.id))
        return found[:limit]
