"""Fakes that find what is due without looking at everything: ten thousand devices and a month of notifications would take hours else.

Each keeps a heap or a log of what was written, and asks the fake itself whether what it finds there still stands: it may name too much, never too
little.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar

from fanfare.domain.buckets import bucket_of
from fanfare.domain.chunk import Chunk, ChunkKey
from fanfare.domain.compaction import Change
from fanfare.domain.device import Device
from fanfare.domain.keepalive import KeepaliveState
from fanfare.domain.notification import Notification
from fanfare.domain.shard import row_of
from fanfare.domain.sweeping import Overdue
from tests.fakes import FixedClock
from tests.fakes.analytics import MemoryAnalyticsStore
from tests.fakes.audience import MemoryAudienceStore
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.devices import MemoryDeviceStore
from tests.fakes.keepalive import MemoryKeepaliveStore
from tests.fakes.notifications import MemoryNotificationStore
from tests.fakes.profiles import MemoryProfileStore
from tests.fakes.topics import MemorySubscriptionStore

Key = TypeVar("Key", bound=Hashable)
_bucket = cache(bucket_of)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


class Agenda(Generic[Key]):
    """Keys by when they are due; `due_of` says when that is now."""

    def __init__(self, due_of: Callable[[Key], datetime | None]) -> None:
        self._due_of = due_of
        self._heap: list[tuple[datetime, Any]] = []

    def note(self, at: datetime | None, key: Key) -> None:
        if at is not None:
            heapq.heappush(self._heap, (at, key))

    def next_at(self) -> datetime | None:
        """When the first of all is due."""
        while self._heap and self._due_of(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime, limit: int) -> list[Key]:
        """The first that are due, in the order of their times and keys."""
        found: dict[Key, datetime] = {}
        while len(found) < limit and (at := self.next_at()) is not None and at <= now:
            found[heapq.heappop(self._heap)[1]] = at
        for key, at in found.items():
            self.note(at, key)
        return list(found)


class AgendaDeviceStore(MemoryDeviceStore):
    """`pings` and `syncs` (topics to tell FCM) by when they are due, and `fresh`: who has no time yet.

    `log` are the writes of each bucket in their order: (time, tenant, id).
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.pings: Agenda[tuple[str, str]] = Agenda(self._due_ping)
        self.syncs: Agenda[tuple[str, str]] = Agenda(self._due_sync)
        self.fresh: set[tuple[str, str]] = set()
        self.log: dict[int, list[tuple[datetime, str, str]]] = defaultdict(list)

    def put_keepalive(self, tenant: str, device: Device) -> Device:
        stored = super().put_keepalive(tenant, device)
        self._note(tenant, stored)
        return stored

    def erase(self, tenant: str, device_ids: Any, *given: Any, **named: Any) -> int:
        erased = super().erase(tenant, device_ids, *given, **named)
        for device_id in device_ids:
            if (tenant, device_id) in self._state.erased:
                self.log[_bucket(device_id)].append((self._state.erased[tenant, device_id], tenant, device_id))
        return erased

    def note(self, tenant: str, device_id: str, decide: Callable[[Device], Device | None]) -> Device | None:
        noted = super().note(tenant, device_id, decide)
        if noted is not None:
            self._note(tenant, noted)
        return noted

    def written_since(self, bucket: int, since: datetime) -> Iterator[tuple[datetime, str, str]]:
        """The time of the last write, the tenant and the id of each device that was written since."""
        log = self.log[bucket]
        for at, tenant, device_id in dict.fromkeys(log[bisect_left(log, (since, "", "")) :]):
            device = self._state.devices.get((tenant, device_id))
            if at == (device.updated_at if device is not None else self._state.erased.get((tenant, device_id))):
                yield at, tenant, device_id

    def _put(self, state: Any, tenant: str, device: Device) -> None:
        super()._put(state, tenant, device)
        self._note(tenant, state.devices[tenant, device.id])

    def _note(self, tenant: str, device: Device) -> None:
        place = (tenant, device.id)
        self.pings.note(device.keepalive.next, place)
        self.syncs.note(device.topic_sync.check_at, place)
        if device.keepalive.state is KeepaliveState.NEW:
            self.fresh.add(place)
        entry = (device.updated_at or _LAST, *place)
        if self.log[_bucket(device.id)][-1:] != [entry]:
            self.log[_bucket(device.id)].append(entry)

    def _due_sync(self, place: tuple[str, str]) -> datetime | None:
        device = self._state.devices.get(place)
        return device.topic_sync.check_at if device is not None else None

    def _due_ping(self, place: tuple[str, str]) -> datetime | None:
        device = self._state.devices.get(place)
        is_planned = device is not None and device.active and device.keepalive.state is KeepaliveState.PLANNED
        return device.keepalive.next if device is not None and is_planned else None


class AgendaSubscriptionStore(MemorySubscriptionStore):
    """Subscriptions of those devices."""

    _devices: AgendaDeviceStore

    def find_unsynced(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        return self._devices.syncs.due(now, limit)


class AgendaKeepaliveStore(MemoryKeepaliveStore):
    """Pings of those devices."""

    _devices: AgendaDeviceStore

    def find_due(self, tenant: str, now: datetime, limit: int) -> list[Device]:
        return self._devices.get(tenant, [device_id for _, device_id in self._devices.pings.due(now, limit)])

    def find_new(self, tenant: str, limit: int) -> list[Device]:
        found = self._devices.get(tenant, [device_id for _, device_id in sorted(self._devices.fresh)])
        fresh = [device for device in found if device.active and device.keepalive.state is KeepaliveState.NEW]
        self._devices.fresh = {(tenant, device.id) for device in fresh}
        return fresh[:limit]


class AgendaAudienceStore(MemoryAudienceStore):
    """The audience of those devices."""

    _devices: AgendaDeviceStore

    def read_changes(self, tenant: str, bucket: int, since: datetime, limit: int, after: Change | None = None) -> list[Change]:
        place = (after.updated_at, after.device_id) if after else (since, "")
        written = ((at, device_id) for at, owner, device_id in self._devices.written_since(bucket, place[0]) if owner == tenant)
        return [self._change(tenant, *found) for found in sorted(found for found in written if found > place)[:limit]]

    def find_changed(self, bucket: int, since: datetime, limit: int) -> list[tuple[str, datetime]]:
        return [(tenant, at) for at, tenant, _ in sorted(self._devices.written_since(bucket, since))[:limit]]

    def _change(self, tenant: str, at: datetime, device_id: str) -> Change:
        device = next(iter(self._devices.get(tenant, [device_id])), None)
        return Change(device_id, at, row_of(device) if device is not None and device.active else None)


class AgendaNotificationStore(MemoryNotificationStore):
    """`checks` are of notifications (number -1) and of chunks, by their next check."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.checks: Agenda[tuple[str, str, int]] = Agenda(self._next_check)
        self._notifications = _noting(type(self._notifications), self._note_notification)(self._revisions)
        self._chunks = _noting(dict, self._note_chunk)()

    def find_overdue(self, now: datetime, limit: int) -> Overdue:
        due = self.checks.due(now, 2 * limit)
        chunks = [ChunkKey(*place) for place in due if place[2] >= 0]
        return Overdue(chunks[:limit], [ChunkKey(tenant, name, 0) for tenant, name, number in due if number < 0][:limit])

    def _note_notification(self, place: tuple[str, str], notification: Notification) -> None:
        self.checks.note(notification.next_check_at, (*place, -1))

    def _note_chunk(self, key: ChunkKey, chunk: Chunk) -> None:
        self.checks.note(chunk.next_check_at, (key.tenant, key.notification_id, key.number))

    def _next_check(self, place: tuple[str, str, int]) -> datetime | None:
        found: Any = self._notifications.get(place[:2]) if place[2] < 0 else self._chunks.get(ChunkKey(*place))
        return found.next_check_at if found is not None else None


def agenda_stores(clock: FixedClock) -> dict[str, Any]:
    """One of each, over one another."""
    audit = MemoryAuditStore()
    profiles = MemoryProfileStore(audit)
    notifications = AgendaNotificationStore(audit)
    analytics = MemoryAnalyticsStore(notifications)
    devices = AgendaDeviceStore(clock, audit, analytics)
    return {
        "audit": audit,
        "notifications": notifications,
        "analytics": analytics,
        "devices": devices,
        "audience": AgendaAudienceStore(devices),
        "profiles": profiles,
        "subscriptions": AgendaSubscriptionStore(devices, profiles),
        "keepalive": AgendaKeepaliveStore(devices, notifications, audit),
    }


def _noting(kind: Any, note: Callable[[Any, Any], None]) -> Any:
    """A dict of a kind that tells what it was given."""

    class Noting(kind):  # type: ignore[misc]
        def __setitem__(self, key: Any, value: Any) -> None:
            super().__setitem__(key, value)
            note(key, value)

    return Noting
