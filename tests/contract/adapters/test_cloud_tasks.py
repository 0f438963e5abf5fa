"""Nudges as Cloud Tasks takes them: ids and nothing else, in the right queue, and a refusal that the caller survives."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import structlog

from fanfare.adapters.cloud_tasks import ENQUEUE_SECONDS, FANOUT_QUEUE, SEND_BULK_QUEUE, SEND_QUEUE, WEBHOOK_QUEUE, CloudTaskQueue
from fanfare.adapters.structured_log import StructuredLog
from fanfare.adapters.telemetry import RequestTelemetry
from fanfare.adapters.trace_scope import current_trace
from fanfare.config import Settings
from fanfare.domain.chunk import ChunkKey, ChunkTask
from fanfare.domain.errors import Unavailable
from fanfare.domain.event_cursor import EventPlace, before
from fanfare.domain.trace_context import TraceContext
from fanfare.domain.webhook_delivery import DeliveryKey
from fanfare.domain.webhook_replay import Replay
from fanfare.web.fanout_tasks import Task, parse_task
from local.stack import Stack
from tests.contract.adapters.scripted import Reply, ScriptedServer, SilentServer, unused_url
from tests.fakes import LogRecord, RecordingLog, RecordingTelemetry

KEY = ChunkKey("acme", "notification-1", 3)
DELIVERIES = [DeliveryKey("acme", "webhook-1", f"event-{number}") for number in range(30)]
SINCE = datetime(2026, 11, 24, 8, 0, 0, 1, UTC)


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of a project of its own, paused: what is enqueued stays to be looked at."""

    url: str
    parent: str

    def create(self) -> None:
        for name in (SEND_QUEUE, SEND_BULK_QUEUE, FANOUT_QUEUE, WEBHOOK_QUEUE):
            self.call("POST", "queues", {"name": f"{self.parent}/queues/{name}"})
            self.call("POST", f"queues/{name}:pause", {})

    def tasks(self, name: str) -> list[Any]:
        return list(self.call("GET", f"queues/{name}/tasks?responseView=FULL").get("tasks", []))

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, f"{self.url}/v2/{self.parent}/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture
def settings(outside: Stack, project_id: str) -> Settings:
    """The stack's settings with a project of the test's own."""
    return replace(Settings.from_env(outside.environment), project=project_id)


@pytest.fixture
def queues(settings: Settings) -> Queues:
    """The project's queues."""
    queues = Queues(settings.cloud_tasks_endpoint, f"projects/{settings.project}/locations/{settings.region}")
    queues.create()
    return queues


@pytest.fixture
def log() -> RecordingLog:
    return RecordingLog()


@pytest.fixture(autouse=True)
def _outside_of_a_request() -> Iterator[None]:
    """Leave the test's thread as it was, and structlog too: both belong to the process."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()
    current_trace.set(None)


@pytest.fixture
def telemetry(log: RecordingLog) -> RequestTelemetry:
    return RequestTelemetry(log, bytes)


@pytest.fixture
def tasks(settings: Settings, queues: Queues, log: RecordingLog, telemetry: RequestTelemetry) -> CloudTaskQueue:
    """The adapter."""
    return CloudTaskQueue(settings, log, telemetry=telemetry)


@pytest.fixture
def refuse(outside: Stack) -> Iterator[Callable[[int], None]]:
    """Make the stand-in refuse the next task."""
    url = f"{outside.cloud_url}/_local/faults"
    yield lambda status: requests.post(url, json={"create_task": {"status": status, "times": 1}}, timeout=10).raise_for_status()
    requests.delete(url, timeout=10).raise_for_status()


def test_a_task_carries_ids_and_nothing_else(tasks: CloudTaskQueue, queues: Queues) -> None:
    assert tasks.enqueue_send(KEY, "request-1")
    [task] = queues.tasks(SEND_QUEUE)
    body = json.loads(b64decode(task["httpRequest"]["body"]))
    assert body == {"tenant": "acme", "notification": "notification-1", "chunk": 3, "request_id": "request-1"}


def test_a_task_calls_the_function_as_the_tasks_account(tasks: CloudTaskQueue, queues: Queues, settings: Settings) -> None:
    tasks.enqueue_send(KEY, "request-1")
    [task] = queues.tasks(SEND_QUEUE)
    request = task["httpRequest"]
    assert (request["url"], request["httpMethod"]) == (settings.function_urls["send"], "POST")
    assert request["oidcToken"] == {"serviceAccountEmail": settings.tasks_service_account, "audience": settings.function_urls["send"]}
    assert request["headers"]["Content-Type"] == "application/json"
    assert task["dispatchDeadline"] == "300s"


def test_a_task_carries_the_trace_of_its_request(tasks: CloudTaskQueue, queues: Queues, telemetry: RequestTelemetry) -> None:
    telemetry.begin("api", "POST /notify/", TraceContext("a" * 32, "b" * 16, is_sampled=True))
    tasks.enqueue_send(KEY, "request-1")
    tasks.enqueue_chunks([ChunkTask(KEY, datetime.now(UTC))], "request-1")
    for queue in (SEND_QUEUE, SEND_BULK_QUEUE):
        [task] = queues.tasks(queue)
        assert {name.lower(): value for name, value in task["httpRequest"]["headers"].items()}["traceparent"] == f"00-{'a' * 32}-{'b' * 16}-01"


def test_a_task_of_no_request_carries_no_trace(tasks: CloudTaskQueue, queues: Queues) -> None:
    tasks.enqueue_send(KEY, "request-1")
    [task] = queues.tasks(SEND_QUEUE)
    assert "traceparent" not in {name.lower() for name in task["httpRequest"]["headers"]}


def test_a_refused_chunk_is_logged_with_the_request_that_asked_for_it(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Chunks are enqueued by threads of their own, which know the request too."""
    log = StructuredLog("INFO", "acme")
    tasks = CloudTaskQueue(replace(settings, cloud_tasks_endpoint=unused_url()), log, telemetry=RequestTelemetry(log, bytes))
    structlog.contextvars.bind_contextvars(request_id="request-1")
    current_trace.set(TraceContext("a" * 32, "b" * 16, is_sampled=False))
    assert tasks.enqueue_chunks([ChunkTask(KEY, datetime.now(UTC))] * 2, "request-1") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [(line["message"], line["request_id"], line["logging.googleapis.com/trace"]) for line in lines]
    assert told == [("enqueue_failed", "request-1", f"projects/acme/traces/{'a' * 32}")] * 2


def test_a_direct_send_is_due_at_once_in_the_queue_for_direct_sends(tasks: CloudTaskQueue, queues: Queues) -> None:
    tasks.enqueue_send(KEY, "request-1")
    [task] = queues.tasks(SEND_QUEUE)
    assert datetime.fromisoformat(task["scheduleTime"]) <= datetime.now(UTC)
    assert queues.tasks(SEND_BULK_QUEUE) == []


def test_a_send_with_a_due_time_waits_in_the_queue_for_what_may_wait(tasks: CloudTaskQueue, queues: Queues) -> None:
    due_at = datetime.now(UTC).replace(microsecond=250_000) + timedelta(hours=1)
    assert tasks.enqueue_send(KEY, "request-1", due_at)
    [task] = queues.tasks(SEND_BULK_QUEUE)
    assert datetime.fromisoformat(task["scheduleTime"]) == due_at
    assert queues.tasks(SEND_QUEUE) == []


@pytest.mark.parametrize("place", [before(SINCE), EventPlace(SINCE, "event-1")])
def test_a_task_of_a_replay_is_read_as_it_was_meant(tasks: CloudTaskQueue, queues: Queues, place: EventPlace) -> None:
    replay = Replay("acme", "webhook-1", place, SINCE + timedelta(hours=1), SINCE + timedelta(hours=2))
    assert tasks.enqueue_replay(replay, "request-1")
    [task] = queues.tasks(FANOUT_QUEUE)
    body = json.loads(b64decode(task["httpRequest"]["body"]))
    assert parse_task(body) == Task("replay", "acme", replay=replay)
    assert body["request_id"] == "request-1"


def test_many_deliveries_are_nudged_each_by_a_task_of_its_own(tasks: CloudTaskQueue, queues: Queues, settings: Settings) -> None:
    assert tasks.enqueue_webhooks(DELIVERIES, "request-1") == DELIVERIES
    found = queues.tasks(WEBHOOK_QUEUE)
    bodies = [json.loads(b64decode(task["httpRequest"]["body"])) for task in found]
    assert sorted(bodies, key=str) == sorted(
        ({"tenant": "acme", "webhook": key.webhook_id, "event": key.event_id, "request_id": "request-1"} for key in DELIVERIES), key=str
    )
    assert {task["httpRequest"]["url"] for task in found} == {settings.function_urls["webhook"]}


def test_a_refused_delivery_is_told_and_keeps_none_of_the_others(
    tasks: CloudTaskQueue, queues: Queues, log: RecordingLog, refuse: Callable[[int], None]
) -> None:
    refuse(503)
    taken = tasks.enqueue_webhooks(DELIVERIES[:3], "request-1")
    assert len(taken) == len(queues.tasks(WEBHOOK_QUEUE)) == 2
    [record] = log.records
    assert record.fields["event_id"] in {key.event_id for key in set(DELIVERIES[:3]) - set(taken)}


def test_a_refused_replay_is_told(tasks: CloudTaskQueue, log: RecordingLog, refuse: Callable[[int], None]) -> None:
    refuse(503)
    assert not tasks.enqueue_replay(Replay("acme", "webhook-1", EventPlace(SINCE, "event-1"), SINCE, SINCE), "request-1")
    [record] = log.records
    assert (record.fields["work"], record.fields["event_id"]) == ("replay", "event-1")


def test_no_delivery_needs_no_task(tasks: CloudTaskQueue, queues: Queues) -> None:
    assert tasks.enqueue_webhooks([], "request-1") == []
    assert queues.tasks(WEBHOOK_QUEUE) == []


def test_a_repeated_nudge_is_another_task(tasks: CloudTaskQueue, queues: Queues) -> None:
    assert tasks.enqueue_send(KEY, "request-1")
    assert tasks.enqueue_send(KEY, "request-1")
    assert len({task["name"] for task in queues.tasks(SEND_QUEUE)}) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_a_refused_task_is_told_and_logged_and_not_tried_again(
    tasks: CloudTaskQueue, queues: Queues, log: RecordingLog, refuse: Callable[[int], None], status: int
) -> None:
    refuse(status)
    assert not tasks.enqueue_send(KEY, "request-1")
    assert queues.tasks(SEND_QUEUE) == []
    [record] = log.records
    assert (record.level, record.event) == ("warning", "enqueue_failed")
    assert (record.fields["notification"], record.fields["chunk"]) == ("notification-1", 3)
    assert tasks.enqueue_send(KEY, "request-1")
    assert len(log.records) == 1


def test_a_missing_queue_is_told(settings: Settings, log: RecordingLog) -> None:
    assert not CloudTaskQueue(settings, log, telemetry=RecordingTelemetry()).enqueue_send(KEY, "request-1")
    assert log.records == [
        LogRecord("warning", "enqueue_failed", {"queue": "send", "cause": "NotFound", "tenant": "acme", "notification": "notification-1", "chunk": 3})
    ]


def test_a_task_service_that_is_gone_is_told(settings: Settings, log: RecordingLog) -> None:
    tasks = CloudTaskQueue(replace(settings, cloud_tasks_endpoint=unused_url()), log, telemetry=RecordingTelemetry())
    assert not tasks.enqueue_send(KEY, "request-1")
    assert [record.event for record in log.records] == ["enqueue_failed"]
    with pytest.raises(Unavailable):
        tasks.probe()


def test_a_task_service_that_hangs_holds_up_nobody_for_long(settings: Settings, log: RecordingLog, silent: SilentServer) -> None:
    tasks = CloudTaskQueue(replace(settings, cloud_tasks_endpoint=f"http://{silent.address}"), log, telemetry=RecordingTelemetry())
    started = time.monotonic()
    assert not tasks.enqueue_send(KEY, "request-1")
    assert time.monotonic() - started < ENQUEUE_SECONDS + 2
    assert [record.event for record in log.records] == ["enqueue_failed"]


def test_a_task_service_that_hangs_holds_up_many_deliveries_no_longer_than_two(settings: Settings, log: RecordingLog, silent: SilentServer) -> None:
    tasks = CloudTaskQueue(replace(settings, cloud_tasks_endpoint=f"http://{silent.address}"), log, telemetry=RecordingTelemetry())
    started = time.monotonic()
    assert tasks.enqueue_webhooks(DELIVERIES, "request-1") == []
    assert time.monotonic() - started < 2 * ENQUEUE_SECONDS + 2


def test_an_overloaded_task_service_is_asked_once(settings: Settings, log: RecordingLog, server: ScriptedServer) -> None:
    server.reply = lambda _asked: Reply.of({"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}, status=503)
    assert not CloudTaskQueue(replace(settings, cloud_tasks_endpoint=server.url), log, telemetry=RecordingTelemetry()).enqueue_send(KEY, "request-1")
    assert len(server.asked) == 1


def test_a_probe_finds_the_send_queue_and_enqueues_nothing(tasks: CloudTaskQueue, queues: Queues) -> None:
    tasks.probe()
    assert queues.tasks(SEND_QUEUE) == []


def test_a_probe_tells_that_the_send_queue_is_missing(settings: Settings, log: RecordingLog) -> None:
    with pytest.raises(Unavailable):
        CloudTaskQueue(settings, log, telemetry=RecordingTelemetry()).probe()
