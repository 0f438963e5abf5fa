"""Chunks in memory: those of the notification store, which the tests of one chunk set up and look into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fanfare.domain.audit import AuditEntry
from fanfare.domain.chunk import Busy, Chunk, ChunkKey, Finished, Take
from fanfare.domain.chunk_rows import Rows, is_of_audience
from fanfare.domain.dead_letter import DeadLetter
from fanfare.domain.event import Event
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from tests.fakes.audience import MemoryAudienceStore
from tests.fakes.notifications import MemoryNotificationStore


class MemoryChunkStore:
    def __init__(self, notifications: MemoryNotificationStore, audience: MemoryAudienceStore) -> None:
        self._notifications = notifications
        self._audience = audience

    def claim(
        self, key: ChunkKey, owner: str, now: datetime, planned_at: datetime | None = None, *, take: Take = Take.DUE
    ) -> Chunk | Busy | Finished:
        return self._notifications.claim(key, owner, now, planned_at, take=take)

    def read_recipients(self, key: ChunkKey) -> tuple[Recipient, ...]:
        return self._notifications.read_recipients(key)

    def read_chunk(self, key: ChunkKey, generation: int | None = None) -> tuple[Notification, Rows] | None:
        found = self._notifications.get(key.tenant, key.notification_id)
        if found is None:
            return None
        if generation is not None and (key.tenant, generation, key.number) in self._audience.documents:
            return found, Rows(shards=tuple(self._audience.read_shards(key.tenant, generation, [key.number])))
        own = self._notifications.read_chunk(key)
        if own is not None:
            return own[0], Rows(own[1])
        return (found, self._current_rows(key, found.chunk_count)) if is_of_audience(found) and found.chunk_count else None

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        return self._notifications.save_chunk(chunk)

    def conclude(
        self,
        chunk: Chunk,
        notification: Notification,
        dead_letter: DeadLetter | None = None,
        audit: AuditEntry | None = None,
        *,
        events: Sequence[Event] = (),
    ) -> bool:
        return self._notifications.conclude(chunk, notification, dead_letter, audit, events)

    def get_many(self, keys: Sequence[ChunkKey]) -> list[Chunk | None]:
        return [self._notifications.chunk(key) for key in keys]

    def find_parked(self, tenant: str, limit: int, after: ChunkKey | None = None) -> Sequence[ChunkKey]:
        return self._notifications.find_parked(tenant, limit, after)

    def _current_rows(self, key: ChunkKey, chunks: int) -> Rows:
        header = self._audience.get(key.tenant)
        if header is None:
            return Rows(shards=())
        return Rows(shards=tuple(self._audience.read_shards(key.tenant, header.generation, range(key.number, header.shards, chunks))))
