"""Cloud Tasks, recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fanfare.domain.chunk import ChunkKey, ChunkTask
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.domain.webhook_replay import Replay


@dataclass(frozen=True, slots=True)
class SendTask:
    """One nudge that the queue took."""

    key: ChunkKey
    request_id: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FanoutTask:
    """One nudge of `fanout` that the queue took: what for, of which tenant, and which notification or devices."""

    work: str
    tenant: str
    subject: tuple[str, ...]
    request_id: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebhookTask:
    """One nudge of `webhook` that the queue took."""

    key: DeliveryKey
    request_id: str
    due_at: datetime | None = None


class RecordingTaskQueue:
    """Keeps what it took; takes nothing while `refusing`."""

    def __init__(self, *, refusing: bool = False) -> None:
        self.refusing = refusing
        self.sends: list[SendTask] = []
        self.chunks: list[ChunkTask] = []
        self.fanouts: list[FanoutTask] = []
        self.webhooks: list[WebhookTask] = []
        self.replays: list[Replay] = []

    def enqueue_send(self, key: ChunkKey, request_id: str, due_at: datetime | None = None) -> bool:
        if not self.refusing:
            self.sends.append(SendTask(key, request_id, due_at))
        return not self.refusing

    def enqueue_chunks(self, tasks: Sequence[ChunkTask], request_id: str) -> int:
        if not self.refusing:
            self.chunks.extend(tasks)
        return 0 if self.refusing else len(tasks)

    def enqueue_fanout(self, tenant: str, notification_id: str, request_id: str, due_at: datetime | None = None) -> bool:
        return self._take(FanoutTask("notification", tenant, (notification_id,), request_id, due_at))

    def enqueue_compaction(self, tenant: str, request_id: str, due_at: datetime | None = None) -> bool:
        return self._take(FanoutTask("audience", tenant, (), request_id, due_at))

    def enqueue_tally(self, tenant: str, request_id: str, after: str | None = None) -> bool:
        return self._take(FanoutTask("tally", tenant, (after,) if after is not None else (), request_id))

    def enqueue_receipts(self, request_id: str) -> bool:
        return self._take(FanoutTask("receipts", PLATFORM_TENANT, (), request_id))

    def enqueue_recomputation(self, tenant: str, day: date, request_id: str, after: str | None = None) -> bool:
        return self._take(FanoutTask("recomputation", tenant, (day.isoformat(), *([after] if after is not None else [])), request_id))

    def enqueue_keepalive(self, tenant: str, request_id: str) -> bool:
        return self._take(FanoutTask("keepalive", tenant, (), request_id))

    def enqueue_cleanup(self, tenant: str, request_id: str) -> bool:
        return self._take(FanoutTask("cleanup", tenant, (), request_id))

    def enqueue_topic_sync(self, tenant: str, device_ids: Sequence[str], request_id: str, due_at: datetime | None = None) -> bool:
        return self._take(FanoutTask("topics", tenant, tuple(device_ids), request_id, due_at))

    def enqueue_replay(self, replay: Replay, request_id: str) -> bool:
        if not self.refusing:
            self.replays.append(replay)
        return not self.refusing

    def enqueue_webhook(self, key: DeliveryKey, request_id: str, due_at: datetime | None = None) -> bool:
        if not self.refusing:
            self.webhooks.append(WebhookTask(key, request_id, due_at))
        return not self.refusing

    def enqueue_webhooks(self, keys: Sequence[DeliveryKey], request_id: str) -> Sequence[DeliveryKey]:
        return [key for key in keys if self.enqueue_webhook(key, request_id)]

    def _take(self, task: FanoutTask) -> bool:
        if not self.refusing:
            self.fanouts.append(task)
        return not self.refusing
