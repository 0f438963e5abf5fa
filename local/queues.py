"""The Cloud Tasks queues, created in the stand-in with the client that production uses."""

from __future__ import annotations

from dataclasses import dataclass

from google.api_core.exceptions import Conflict
from google.auth.credentials import AnonymousCredentials
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports.rest import CloudTasksRestTransport
from google.cloud.tasks_v2.types import Queue, RateLimits, RetryConfig
from google.protobuf.duration_pb2 import Duration

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class QueuePolicy:
    """How a queue dispatches; exhausting the attempts is harmless, because the sweep finds what is left."""

    name: str
    concurrent_dispatches: int
    dispatches_per_second: float = 500.0
    min_backoff_seconds: int = 5
    max_backoff_seconds: int = 60
    max_attempts: int = 100


QUEUES = (
    # Direct sends, and chunks with their retries and keepalive, which must not make a direct send wait.
    QueuePolicy(name="send", concurrent_dispatches=16),
    QueuePolicy(name="send-bulk", concurrent_dispatches=6),
    # Broadcasts being laid out, audiences being brought up to date, topics being told to FCM.
    QueuePolicy(name="fanout", concurrent_dispatches=4),
    # Events to endpoints: their own, so that an endpoint that hangs makes no message wait.
    QueuePolicy(name="webhook", concurrent_dispatches=16),
)


def _to_queue(policy: QueuePolicy, parent: str) -> Queue:
    return Queue(
        name=f"{parent}/queues/{policy.name}",
        rate_limits=RateLimits(
            max_dispatches_per_second=policy.dispatches_per_second,
            max_concurrent_dispatches=policy.concurrent_dispatches,
        ),
        retry_config=RetryConfig(
            max_attempts=policy.max_attempts,
            min_backoff=Duration(seconds=policy.min_backoff_seconds),
            max_backoff=Duration(seconds=policy.max_backoff_seconds),
        ),
    )


def create_queues(address: str, *, project: str, region: str) -> None:
    """Create every queue at the server on `address` (host:port); one that exists is left as it is."""
    transport = CloudTasksRestTransport(host=address, url_scheme="http", credentials=AnonymousCredentials())
    parent = f"projects/{project}/locations/{region}"
    with CloudTasksClient(transport=transport) as client:
        for policy in QUEUES:
            try:
                client.create_queue(parent=parent, queue=_to_queue(policy, parent), timeout=_TIMEOUT_SECONDS)
            except Conflict:
                continue
