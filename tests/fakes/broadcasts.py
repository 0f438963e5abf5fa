"""How far notifications of another fake were fanned out, in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fanfare.domain.chunk import ChunkKey, ChunkState
from fanfare.domain.fanning import Advanced, Fanout
from fanfare.domain.notification import Notification
from tests.fakes.audit import MemoryAuditStore
from tests.fakes.notifications import MemoryNotificationStore


class MemoryBroadcastStore:
    def __init__(self, notifications: MemoryNotificationStore, audit: MemoryAuditStore | None = None) -> None:
        self._notifications = notifications
        self._audit = audit or MemoryAuditStore()
        self._lock = threading.RLock()
        self._fanouts: dict[tuple[str, str], Fanout] = {}

    def advance(
        self, tenant: str, notification_id: str, decide: Callable[[Notification, Fanout | None], Advanced | None]
    ) -> tuple[Notification, Fanout | None] | None:
        with self._lock:
            notification, fanout = self._notifications.get(tenant, notification_id), self._fanouts.get((tenant, notification_id))
            if notification is None:
                return None
            advanced = decide(notification, fanout)
            if advanced is None:
                return notification, fanout
            self._fanouts[tenant, notification_id] = advanced.fanout
            if advanced.notification is not None:
                self._notifications.put_fanned(advanced.notification)
            if advanced.audit is not None:
                self._audit.record(tenant, advanced.audit)
            self._audit.events.add(advanced.events)
            return advanced.notification or notification, advanced.fanout

    def chunk_states(self, tenant: str, notification_id: str, numbers: range) -> dict[int, ChunkState]:
        found = ((number, self._notifications.get_with_chunk(ChunkKey(tenant, notification_id, number))) for number in numbers)
        return {number: row[1].state for number, row in found if row is not None and row[1] is not None}

    def count_held(self, tenant: str, notification_id: str) -> int:
        notification = self._notifications.get(tenant, notification_id)
        states = self.chunk_states(tenant, notification_id, range(notification.chunk_count)) if notification is not None else {}
        return sum(state is ChunkState.HELD for state in states.values())
