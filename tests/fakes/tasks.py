"""Cloud Tasks, recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fanfare.domain.chunk import ChunkKey


@dataclass(frozen=True, slots=True)
class SendTask:
    """One nudge that the queue took."""

    key: ChunkKey
    request_id: str
    due_at: datetime | None = None


class RecordingTaskQueue:
    """Keeps what it took; takes nothing while `refusing`."""

    def __init__(self, *, refusing: bool = False) -> None:
        self.refusing = refusing
        self.sends: list[SendTask] = []

    def enqueue_send(self, key: ChunkKey, request_id: str, due_at: datetime | None = None) -> bool:
        if not self.refusing:
            self.sends.append(SendTask(key, request_id, due_at))
        return not self.refusing
