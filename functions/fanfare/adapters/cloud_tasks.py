"""Google Cloud Tasks: nudges over HTTP that carry an id and nothing else."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fanfare.adapters.google_errors import translated
from fanfare.config import Settings
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import Unavailable
from fanfare.ports import Log

if TYPE_CHECKING:
    from google.cloud.tasks_v2 import CloudTasksClient

SEND_QUEUE = "send"
SEND_BULK_QUEUE = "send-bulk"
"""For what may wait: a direct send must never stand behind somebody's retries."""
ENQUEUE_SECONDS = 2.0
"""A caller waits no longer for a nudge that the sweep can replace."""
DISPATCH_DEADLINE_SECONDS = 300


class CloudTaskQueue:
    """Creates tasks that call the internal functions with an OIDC token of the tasks' service account."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log

    def enqueue_send(self, key: ChunkKey, request_id: str, due_at: datetime | None = None) -> bool:
        """Ask for a call of `send`. False: the queue refused or did not answer; the sweep will find the chunk."""
        content = {"tenant": key.tenant, "notification": key.notification_id, "chunk": key.number, "request_id": request_id}
        try:
            self._create(SEND_QUEUE if due_at is None else SEND_BULK_QUEUE, self._settings.send_url, content, due_at)
        except Unavailable as error:
            self._log.warning("enqueue_failed", notification=key.notification_id, chunk=key.number, cause=type(error.__cause__).__name__)
            return False
        return True

    def probe(self) -> None:
        """Look at the send queue; Unavailable if Cloud Tasks does not answer."""
        with translated("Cloud Tasks"):
            self._client.get_queue(name=self._queue(SEND_QUEUE), timeout=ENQUEUE_SECONDS, retry=None)

    def _queue(self, queue: str) -> str:
        return f"projects/{self._settings.project}/locations/{self._settings.region}/queues/{queue}"

    def _create(self, queue: str, url: str, content: dict[str, Any], due_at: datetime | None) -> None:
        request: dict[str, Any] = {
            "http_method": "POST",
            "url": url,
            "headers": {"Content-Type": "application/json"},
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
