"""Google Cloud Tasks: nudges over HTTP that carry an id and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import date, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from fanfare.adapters.google_errors import translated
from fanfare.config import Settings
from fanfare.domain.chunk import ChunkKey, ChunkTask
from fanfare.domain.errors import Unavailable
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.domain.trace_context import SpanKind
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.domain.webhook_replay import Replay
from fanfare.ports import Log, Telemetry

if TYPE_CHECKING:
    from google.cloud.tasks_v2 import CloudTasksClient

T = TypeVar("T")
SEND_QUEUE = "send"
SEND_BULK_QUEUE = "send-bulk"
"""For what may wait: a direct send must never stand behind somebody's retries."""
FANOUT_QUEUE = "fanout"
WEBHOOK_QUEUE = "webhook"
AT_ONCE = 20
"""So many tasks are created side by side: a queue takes five hundred a second."""
ENQUEUE_SECONDS = 2.0
"""A caller waits no longer for a nudge that the sweep can replace."""
DISPATCH_DEADLINE_SECONDS = 300
_SHOWN = {**{name: name for name in ("work", "tenant", "notification", "chunk", "webhook")}, "event": "event_id"}
"""What the log says of a refused task, and by which word: `event` is what happened, to the log."""


class CloudTaskQueue:
    """Creates tasks that call the internal functions with an OIDC token of the tasks' service account."""

    def __init__(self, settings: Settings, log: Log, *, telemetry: Telemetry) -> None:
        self._settings = settings
        self._log = log
        self._telemetry = telemetry

    def enqueue_send(self, key: ChunkKey, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `send`. False: the queue refused or did not answer; the sweep will find the chunk."""
        queue = SEND_QUEUE if due_at is None else SEND_BULK_QUEUE
        return self._enqueue(queue, self._settings.function_urls["send"], {**_content_of(key), "request_id": request_id}, due_at)

    def enqueue_chunks(self, tasks: Sequence[ChunkTask], request_id: str) -> int:
        """Ask for a call of `send` for each of many chunks, in its slot, behind whatever is direct; returns how many the queue took."""
        return len(self._put_all(SEND_BULK_QUEUE, tasks, partial(self._put_chunk, request_id=request_id)))

    def enqueue_fanout(self, tenant: str, notification_id: str, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `fanout` that brings a notification of many chunks on; False: the sweep will find it."""
        return self._enqueue_work("notification", {"tenant": tenant, "notification": notification_id, "request_id": request_id}, due_at)

    def enqueue_compaction(self, tenant: str, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `fanout` that brings a tenant's audience up to date; False: the next rollup finds what has changed."""
        return self._enqueue_work("audience", {"tenant": tenant, "request_id": request_id}, due_at)

    def enqueue_tally(self, tenant: str, request_id: str, after: str | None = None) -> bool:
        """Ask for a call of `fanout` that tallies a tenant's notifications, those after an id; False: the next rollup finds them."""
        return self._enqueue_work("tally", {"tenant": tenant, "after": after, "request_id": request_id}, None)

    def enqueue_receipts(self, request_id: str) -> bool:
        """Ask for a call of `fanout` that sums all tenants' receipts; False: the next rollup finds them."""
        return self._enqueue_work("receipts", {"tenant": PLATFORM_TENANT, "request_id": request_id}, None)

    def enqueue_recomputation(self, tenant: str, day: date, request_id: str, after: str | None = None) -> bool:
        """Ask for a call of `fanout` that recomputes a day's numbers, going on after a page; False: the queue refused or did not answer."""
        return self._enqueue_work("recomputation", {"tenant": tenant, "day": day.isoformat(), "after": after, "request_id": request_id}, None)

    def enqueue_keepalive(self, tenant: str, request_id: str) -> bool:
        """Ask for a call of `fanout` that pings the next page of a tenant's devices; False: the next keepalive tick goes on."""
        return self._enqueue_work("keepalive", {"tenant": tenant, "request_id": request_id}, None)

    def enqueue_cleanup(self, tenant: str, request_id: str) -> bool:
        """Ask for a call of `fanout` that removes what a tenant has kept for long enough; False: tomorrow's tick asks again."""
        return self._enqueue_work("cleanup", {"tenant": tenant, "request_id": request_id}, None)

    def enqueue_topic_sync(self, tenant: str, device_ids: Sequence[str], request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `fanout` that tells FCM what devices are subscribed to; False: the schedule tick finds them."""
        return self._enqueue_work("topics", {"tenant": tenant, "devices": list(device_ids), "request_id": request_id}, due_at)

    def enqueue_replay(self, replay: Replay, request_id: str) -> bool:
        """Ask for a call of `fanout` that replays a span of events to a webhook; False: the queue refused or did not answer."""
        content = {
            "tenant": replay.tenant,
            "webhook": replay.webhook_id,
            "after": replay.place.at.isoformat(),
            "event": replay.place.id,
            "until": replay.until.isoformat(),
            "asked_at": replay.asked_at.isoformat(),
            "request_id": request_id,
        }
        return self._enqueue_work("replay", content, None)

    def enqueue_webhook(self, key: DeliveryKey, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `webhook` that delivers an event to an endpoint; False: the sweep finds the delivery."""
        return self._enqueue(WEBHOOK_QUEUE, self._settings.function_urls["webhook"], {**_content_of_delivery(key), "request_id": request_id}, due_at)

    def enqueue_webhooks(self, keys: Sequence[DeliveryKey], request_id: str) -> Sequence[DeliveryKey]:
        """Ask for a call of `webhook` at once for each of many deliveries; returns those that the queue took, the sweep finds the others."""
        return self._put_all(WEBHOOK_QUEUE, keys, partial(self._put_delivery, request_id=request_id))

    def probe(self) -> None:
        """Look at the send queue; Unavailable if Cloud Tasks does not answer."""
        with translated("Cloud Tasks"):
            self._client.get_queue(name=self._queue(SEND_QUEUE), timeout=ENQUEUE_SECONDS, retry=None)

    def _put_all(self, queue: str, items: Sequence[T], put: Callable[[T], bool]) -> list[T]:
        """Create tasks side by side, a call for each item; returns the items whose tasks the queue took."""
        if not items:
            return []
        with self._telemetry.span("enqueue", SpanKind.PRODUCER, queue=queue, tasks=len(items)):
            # What the threads log and ask for belongs to this request.
            calls = [partial(copy_context().run, put, item) for item in items]
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="enqueue") as pool:
                taken = list(pool.map(lambda call: call(), calls))
        return [item for item, is_taken in zip(items, taken, strict=True) if is_taken]

    def _put_chunk(self, task: ChunkTask, *, request_id: str) -> bool:
        content = {
            **_content_of(task.key), "slot": task.slot.timestamp(), "generation": task.generation, "moves": task.moves, "request_id": request_id,
        }  # fmt: skip
        return self._put(SEND_BULK_QUEUE, self._settings.function_urls["send"], content, task.slot)

    def _put_delivery(self, key: DeliveryKey, *, request_id: str) -> bool:
        content = {**_content_of_delivery(key), "request_id": request_id}
        return self._put(WEBHOOK_QUEUE, self._settings.function_urls["webhook"], content, None)

    def _enqueue_work(self, work: str, content: dict[str, Any], due_at: datetime | None) -> bool:
        return self._enqueue(FANOUT_QUEUE, self._settings.function_urls["fanout"], {"work": work, **content}, due_at)

    def _enqueue(self, queue: str, url: str, content: dict[str, Any], due_at: datetime | None) -> bool:
        with self._telemetry.span("enqueue", SpanKind.PRODUCER, queue=queue) as span:
            is_taken = self._put(queue, url, content, due_at)
            span.note(is_taken=is_taken)
        return is_taken

    def _put(self, queue: str, url: str, content: dict[str, Any], due_at: datetime | None) -> bool:
        try:
            self._create(queue, url, content, due_at)
        except Unavailable as error:
            named = {shown: content[name] for name, shown in _SHOWN.items() if name in content}
            self._log.warning("enqueue_failed", queue=queue, cause=type(error.__cause__).__name__, **named)
            return False
        return True

    def _queue(self, queue: str) -> str:
        return f"projects/{self._settings.project}/locations/{self._settings.region}/queues/{queue}"

    def _create(self, queue: str, url: str, content: dict[str, Any], due_at: datetime | None) -> None:
        request: dict[str, Any] = {
            "http_method": "POST",
            "url": url,
            "headers": {"Content-Type": "application/json", **self._telemetry.headers()},
            "body": json.dumps(content).encode("ascii"),
            "oidc_token": {"service_account_email": self._settings.tasks_service_account, "audience": url},
        }
        task: Any = {"http_request": request, "dispatch_deadline": {"seconds": DISPATCH_DEADLINE_SECONDS}}
        if due_at is not None:
            task["schedule_time"] = due_at
        with translated("Cloud Tasks"):
            self._client.create_task(parent=self._queue(queue), task=task, timeout=ENQUEUE_SECONDS, retry=None)

    @cached_property
    def _client(self) -> CloudTasksClient:
        # Imported at the first use: only instances that enqueue pay the tenth of a second.
        from google.cloud.tasks_v2 import CloudTasksClient  # noqa: PLC0415

        if not self._settings.cloud_tasks_endpoint:
            return CloudTasksClient()
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
        from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport  # noqa: PLC0415

        address = urlsplit(self._settings.cloud_tasks_endpoint)
        transport = CloudTasksRestTransport(host=address.netloc, url_scheme=address.scheme, credentials=AnonymousCredentials())
        return CloudTasksClient(transport=transport)


def _content_of(key: ChunkKey) -> dict[str, Any]:
    return {"tenant": key.tenant, "notification": key.notification_id, "chunk": key.number}


def _content_of_delivery(key: DeliveryKey) -> dict[str, Any]:
    return {"tenant": key.tenant, "webhook": key.webhook_id, "event": key.event_id}
