"""Notifications, their recipients, their chunks and their dead letters in memory.

What is kept has been through JSON, as the real store's has: a request that could not be stored must not pass a test.
Every write of a chunk goes through `_write_chunk`, which refuses a stale revision; it is the place to build further steps on.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fanfare.domain.chunk import Busy, Chunk, ChunkKey, ChunkState, Claimed, Finished, decide_claim, new_claim
from fanfare.domain.dead_letter import DeadLetter, Replay
from fanfare.domain.errors import Unavailable
from fanfare.domain.listing import Page
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import message_of
from fanfare.domain.sweeping import Overdue
from tests.fakes.pages import page_of


class MemoryNotificationStore:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._revisions = itertools.count(1)
        self._notifications: dict[tuple[str, str], Notification] = {}
        self._recipients: dict[ChunkKey, tuple[Recipient, ...]] = {}
        self._chunks: dict[ChunkKey, Chunk] = {}
        self._dead_letters: dict[tuple[str, str], DeadLetter] = {}

    def accept(self, notification: Notification, recipients: Sequence[Recipient]) -> Notification | None:
        place = (notification.tenant, notification.id)
        with self._lock:
            if place in self._notifications:
                return self._notifications[place]
            request = json.loads(json.dumps(notification.request))
            self._notifications[place] = replace(notification, request=request, message=message_of(request))
            if recipients:
                self._recipients[ChunkKey(notification.tenant, notification.id, 0)] = tuple(recipients)
        return None

    def get(self, tenant: str, notification_id: str) -> Notification | None:
        return self._notifications.get((tenant, notification_id))

    def get_with_chunk(self, key: ChunkKey) -> tuple[Notification, Chunk | None] | None:
        notification = self.get(key.tenant, key.notification_id)
        return (notification, self._chunks.get(key)) if notification is not None else None

    def read_recipients(self, key: ChunkKey) -> tuple[Recipient, ...]:
        return self._recipients.get(key, ())

    def read_chunk(self, key: ChunkKey) -> tuple[Notification, tuple[Recipient, ...]] | None:
        notification, recipients = self.get(key.tenant, key.notification_id), self._recipients.get(key)
        return (notification, recipients) if notification is not None and recipients is not None else None

    def claim(self, key: ChunkKey, owner: str, now: datetime) -> Chunk | Busy | Finished:
        with self._lock:
            stored = self._chunks.get(key)
            if stored is None:
                return self._put_chunk(new_claim(key, owner, now))
            decision = decide_claim(stored, owner, now)
            return self._put_chunk(decision.chunk) if isinstance(decision, Claimed) else decision

    def save_chunk(self, chunk: Chunk) -> Chunk | None:
        with self._lock:
            return self._write_chunk(chunk)

    def conclude(self, chunk: Chunk, notification: Notification, dead_letter: DeadLetter | None = None) -> bool:
        with self._lock:
            if self.get(notification.tenant, notification.id) is None or self._write_chunk(chunk) is None:
                return False
            self._put_progress(notification)
            if dead_letter is not None:
                self._dead_letters[chunk.key.tenant, dead_letter.id] = dead_letter
        return True

    def get_dead_letter(self, tenant: str, dead_letter_id: str) -> DeadLetter | None:
        return self._dead_letters.get((tenant, dead_letter_id))

    def list_dead_letters(self, tenant: str, limit: int, after: str | None) -> Page[DeadLetter]:
        return page_of(self._dead_letters, tenant, lambda _: True, limit, after)

    def replay(self, letter: DeadLetter, replay: Replay, now: datetime) -> DeadLetter | None:
        replayed = replace(letter, replayed_at=now)
        return replayed if self.conclude(replay.chunk, replay.notification, replayed) else None

    def find_overdue(self, now: datetime, limit: int) -> Overdue:
        chunks = [(chunk.next_check_at, key) for key, chunk in self._chunks.items()]
        notifications = [(found.next_check_at, ChunkKey(*place, 0)) for place, found in self._notifications.items()]
        return Overdue(_overdue(chunks, now, limit), _overdue(notifications, now, limit))

    def set_next_check(self, key: ChunkKey, at: datetime | None) -> None:
        place = (key.tenant, key.notification_id)
        with self._lock:
            if place not in self._notifications:
                raise Unavailable("There is no such notification.")
            self._notifications[place] = replace(self._notifications[place], next_check_at=at)

    def find_parked(self, tenant: str, limit: int) -> list[ChunkKey]:
        return [key for key, chunk in self._chunks.items() if key.tenant == tenant and chunk.state is ChunkState.PARKED][:limit]

    def _write_chunk(self, chunk: Chunk) -> Chunk | None:
        """Store a chunk if nobody else has since the caller read or wrote it."""
        stored = self._chunks.get(chunk.key)
        return self._put_chunk(chunk) if stored is not None and stored.revision == chunk.revision else None

    def _put_chunk(self, chunk: Chunk) -> Chunk:
        self._chunks[chunk.key] = replace(chunk, revision=next(self._revisions))
        return self._chunks[chunk.key]

    def _put_progress(self, notification: Notification) -> None:
        """Store what a delivery changes of a notification; the rest of it never changes."""
        place = (notification.tenant, notification.id)
        self._notifications[place] = replace(
            self._notifications[place],
            status=notification.status,
            status_reason=notification.status_reason,
            counts=notification.counts,
            errors=notification.errors,
            started_at=notification.started_at,
            completed_at=notification.completed_at,
            next_check_at=notification.next_check_at,
        )


def _overdue(checks: Sequence[tuple[datetime | None, ChunkKey]], now: datetime, limit: int) -> list[ChunkKey]:
    """The longest overdue first."""
    due = sorted(((at, key) for at, key in checks if at is not None and at <= now), key=lambda row: row[0])
    return [key for _, key in due[:limit]]
