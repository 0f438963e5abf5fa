"""The rows of notifications of many chunks in memory: those of the notification store, which a delivery reads them from."""

from __future__ import annotations

from collections.abc import Sequence

from fanfare.domain.chunk import ChunkKey
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from tests.fakes.notifications import MemoryNotificationStore


class MemoryRecipientStore:
    """Stores `per_commit` chunks at once, so that a call may be interrupted between two of its commits."""

    def __init__(self, notifications: MemoryNotificationStore | None = None, *, per_commit: int = 2) -> None:
        self._notifications = notifications or MemoryNotificationStore()
        self._per_commit = per_commit

    def write(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> None:
        for number, rows in enumerate(chunks, first_number):
            self.create(tenant, notification_id, number, [rows])

    def append(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> int:
        for start in range(0, len(chunks), self._per_commit):
            if not self.create(tenant, notification_id, first_number + start, chunks[start : start + self._per_commit]):
                return start
        return len(chunks)

    def create(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> bool:
        """One commit: all of its numbers, or none of them where one is taken."""
        keys = [ChunkKey(tenant, notification_id, first_number + index) for index in range(len(chunks))]
        return self._notifications.create_recipients(dict(zip(keys, map(tuple, chunks), strict=True)))

    def read_all(self, tenant: str, notification_id: str) -> list[tuple[Recipient, ...]]:
        return self._notifications.recipients_of(tenant, notification_id)

    def queue(self, notification: Notification) -> tuple[Notification, bool] | None:
        return self._notifications.queue(notification)
