"""Receipts in memory, and their sums, beside the notifications, devices and numbers that these stand with."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from fanfare.domain.analytics import total
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.device import Device
from fanfare.domain.event import Event
from fanfare.domain.receipt_sums import Noted, NotedPlace, ReceiptSum, Seen
from fanfare.domain.receipts import ReceiptChange, ReceiptCounts, ReceiptEvent, ReceiptKey, StoredReceipt
from tests.fakes.analytics import MemoryAnalyticsStore
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.events import MemoryEventStore
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.system import FixedClock


class MemoryReceiptStore:
    """`stored` by tenant and key, `noted` when something of it was noted first: the clock stands for the server's."""

    def __init__(self, notifications: MemoryNotificationStore, events: MemoryEventStore, clock: FixedClock) -> None:
        self.stored: dict[tuple[str, ReceiptKey], StoredReceipt] = {}
        self.noted: dict[tuple[str, ReceiptKey], dict[ReceiptEvent, datetime]] = {}
        self._notifications, self._events, self._clock = notifications, events, clock
        self._revisions = itertools.count(1)

    def created_at(self, tenant: str, notification_ids: Collection[str]) -> dict[str, datetime]:
        found = [self._notifications.get(tenant, name) for name in notification_ids]
        return {row.id: row.created_at for row in found if row is not None and not row.validate_only}

    def get_many(self, tenant: str, keys: Collection[ReceiptKey]) -> dict[ReceiptKey, StoredReceipt]:
        return {key: self.stored[tenant, key] for key in keys if (tenant, key) in self.stored}

    def save(self, tenant: str, changes: Sequence[ReceiptChange], events: Sequence[Event]) -> bool:
        with self._notifications.lock:
            if any(not self._is_unchanged(tenant, change) for change in changes):
                return False
            for change in changes:
                place = (tenant, change.after.key)
                self.stored[place] = replace(change.after, revision=next(self._revisions))
                self.noted.setdefault(place, {}).update(dict.fromkeys(change.news, self._clock.now()))
            self._events.add(events)
        return True

    def count(self, tenant: str, notification_id: str) -> ReceiptCounts:
        own = [receipt for (owner, key), receipt in self.stored.items() if (owner, key.notification_id) == (tenant, notification_id)]
        return ReceiptCounts(len(own), sum(receipt.read_at is not None for receipt in own))

    def remove(self, tenant: str, before: datetime, limit: int) -> int:
        """Remove receipts of messages of `before` or earlier, as cleanup does."""
        due = [place for place, receipt in self.stored.items() if place[0] == tenant and receipt.created_at <= before][:limit]
        for place in due:
            del self.stored[place], self.noted[place]
        return len(due)

    def _is_unchanged(self, tenant: str, change: ReceiptChange) -> bool:
        stored = self.stored.get((tenant, change.after.key))
        return (stored.revision if stored else None) == (change.before.revision if change.before else None)


class MemoryReceiptSumStore:
    """`places` is how far each event has been summed."""

    def __init__(
        self, receipts: MemoryReceiptStore, notifications: MemoryNotificationStore, devices: MemoryDeviceStore, analytics: MemoryAnalyticsStore
    ) -> None:
        self.places: dict[ReceiptEvent, NotedPlace] = {}
        self._revision: int | None = None
        self._receipts, self._notifications, self._devices, self._analytics = receipts, notifications, devices, analytics

    def get_places(self) -> tuple[dict[ReceiptEvent, NotedPlace], object]:
        return dict(self.places), self._revision

    def find_noted(self, event: ReceiptEvent, until: datetime, limit: int, after: NotedPlace | None = None) -> list[Noted]:
        found = [
            Noted(tenant, self._receipts.stored[tenant, key], NotedPlace(times[event], f"{tenant}/{key.notification_id}/{key.device_id}"))
            for (tenant, key), times in self._receipts.noted.items()
            if event in times and times[event] <= until
        ]
        return [each for each in sorted(found, key=lambda each: each.place) if after is None or each.place > after][:limit]

    def get_seen(self, tenant: str, device_ids: Collection[str]) -> dict[str, Seen]:
        found = self._devices.get(tenant, list(device_ids))
        return {device.id: Seen(device.platform.value, device.last_seen_at, device.revision) for device in found}

    def note_seen(self, tenant: str, seen: Mapping[str, Seen], at: Mapping[str, datetime]) -> bool:
        present = self.get_seen(tenant, list(at))
        if any(name not in present or present[name].revision != seen[name].revision for name in at):
            return False

        def heard_of(device: Device) -> Device:
            return replace(device, last_seen_at=at[device.id])

        for name in at:
            self._devices.update(tenant, name, heard_of)
        return True

    def started_at(self, keys: Collection[ChunkKey]) -> dict[ChunkKey, datetime]:
        return {key: chunk.started_at for key in keys if (chunk := self._notifications.chunk(key)) is not None}

    def add(self, event: ReceiptEvent, place: NotedPlace, revision: object, sums: Sequence[ReceiptSum]) -> bool:
        with self._notifications.lock:
            gone = any(self._notifications.get(one.notification.tenant, one.notification.id) is None for one in sums)
            if gone or revision != self._revision:
                return False
            self.places[event], self._revision = place, (self._revision or 0) + 1
            for one in sums:
                added = total(one.added.values())
                self._notifications.add_received(one.notification.tenant, one.notification.id, added.total_delivered, added.total_read)
                self._analytics.add_received(one)
        return True
