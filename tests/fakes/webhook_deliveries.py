"""Deliveries to webhooks in memory: those that the ledger of events has stored with its events."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.dead_letter import WebhookLetter, webhook_letter_id, webhook_letter_of
from fanfare.domain.event import StoredEvent
from fanfare.domain.listing import Page
from fanfare.domain.webhook import Webhook
from fanfare.domain.webhook_delivery import DeliveryKey, DeliveryState, WebhookDelivery, decide_delivery_claim, put_off_check, replayed_delivery
from fanfare.ports.webhooks import ClaimedDelivery
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.events import MemoryEventStore
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.pages import newest_of
from tests.fakes.webhooks import MemoryWebhookStore


class _Row(NamedTuple):
    id: str
    created_at: datetime
    delivery: WebhookDelivery


class MemoryWebhookDeliveryStore:
    """Shares the deliveries of `events`, the webhooks of `webhooks` and the dead letters of `notifications`."""

    def __init__(
        self,
        events: MemoryEventStore,
        webhooks: MemoryWebhookStore,
        notifications: MemoryNotificationStore | None = None,
        audit: MemoryAuditStore | None = None,
    ) -> None:
        self._events = events
        self._webhooks = webhooks
        self._letters = notifications or MemoryNotificationStore()
        self._audit = audit or MemoryAuditStore()
        self._revisions = itertools.count(1)
        self._lock = threading.Lock()

    def claim(self, key: DeliveryKey, owner: str, now: datetime) -> ClaimedDelivery | Busy | Finished:
        with self._lock:
            stored = self._events.deliveries.get(key)
            if stored is None:
                return Finished()
            webhook, event = self._webhooks.get(key.tenant, key.webhook_id), self._events.get(key.tenant, key.event_id)
            decided = decide_delivery_claim(stored, webhook, event, owner, now)
            if not isinstance(decided, WebhookDelivery):
                return decided
            kept = self._keep(decided, webhook_letter_of(decided, now))
            if webhook is None or event is None or kept.state is not DeliveryState.SENDING:
                return Finished()
            return ClaimedDelivery(kept, webhook, event)

    def conclude(self, delivery: WebhookDelivery, dead_letter: WebhookLetter | None = None) -> bool:
        with self._lock:
            stored = self._events.deliveries.get(delivery.key)
            is_ours = stored is not None and stored.revision == delivery.revision
            if is_ours:
                self._keep(delivery, dead_letter)
            return is_ours

    def find_overdue(self, now: datetime, limit: int) -> Sequence[DeliveryKey]:
        due = [(row.next_check_at, row.key) for row in self._events.deliveries.values() if row.next_check_at is not None and row.next_check_at <= now]
        return [key for _, key in sorted(due, key=lambda pair: pair[0])[:limit]]

    def put_off(self, keys: Sequence[DeliveryKey], now: datetime) -> None:
        with self._lock:
            for stored in self.get_many(keys):
                later = put_off_check(stored, now) if stored is not None else None
                if later is not None:
                    self._keep(later)

    def get_many(self, keys: Sequence[DeliveryKey]) -> Sequence[WebhookDelivery | None]:
        return [self._events.deliveries.get(key) for key in keys]

    def list(self, tenant: str, webhook_id: str, limit: int, after: str | None, *, state: DeliveryState | None = None) -> Page[WebhookDelivery]:
        rows = [row for row in self._events.deliveries.values() if (row.key.tenant, row.key.webhook_id) == (tenant, webhook_id)]
        wanted = [row for row in rows if state is None or row.state is state]
        page = newest_of([_Row(row.key.event_id, row.created_at, row) for row in wanted], limit, after)
        return Page([row.delivery for row in page.items], page.next_after)

    def replay(
        self, webhook: Webhook, events: Sequence[StoredEvent], now: datetime, request_id: str, audit: AuditEntry | None = None
    ) -> Sequence[DeliveryKey]:
        with self._lock:
            replayed = []
            for event in events:
                stored = self._events.deliveries.get(DeliveryKey(webhook.tenant, webhook.id, event.id))
                again = replayed_delivery(stored, event, webhook.id, now, request_id)
                if again is not None:
                    self._keep(again)
                    self._letters.mark_replayed(webhook.tenant, webhook_letter_id(again.key), now)
                    replayed.append(again.key)
            if audit is not None and replayed:
                self._audit.record(webhook.tenant, audit)
            return replayed

    def remove_deliveries(self, tenant: str, before: datetime, limit: int) -> int:
        found = [key for key, row in self._events.deliveries.items() if key.tenant == tenant and row.created_at <= before][:limit]
        for key in found:
            del self._events.deliveries[key]
        return len(found)

    def _keep(self, delivery: WebhookDelivery, letter: WebhookLetter | None = None) -> WebhookDelivery:
        kept = self._events.deliveries[delivery.key] = replace(delivery, revision=next(self._revisions))
        if letter is not None:
            self._letters.put_dead_letter(letter)
        return kept
