"""Queues and the admission of tasks, through the real client."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.cloud import tasks_v2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from tests.contract.local_cloud.conftest import LOCATION, LocalCloud, Recorder

Tasks = tasks_v2.CloudTasksClient
MakeQueue = Callable[..., str]
UNUSED = "http://127.0.0.1:1/"


def new_task(url: str = UNUSED, **fields: Any) -> tasks_v2.Task:
    return tasks_v2.Task(http_request={"url": url}, **fields)


def test_queue_shows_its_settings_and_the_defaults(tasks: Tasks, make_queue: MakeQueue) -> None:
    queue = tasks.get_queue(name=make_queue(rate={"max_concurrent_dispatches": 7}, retry={"max_attempts": 3}))
    assert (queue.rate_limits.max_dispatches_per_second, queue.rate_limits.max_concurrent_dispatches) == (500, 7)
    assert (queue.retry_config.max_attempts, queue.retry_config.max_doublings) == (3, 16)
    assert queue.retry_config.max_backoff == timedelta(hours=1)
    assert queue.state == tasks_v2.Queue.State.RUNNING
    assert queue.name in {listed.name for listed in tasks.list_queues(parent=LOCATION)}


def test_masked_update_leaves_the_rest_alone(tasks: Tasks, make_queue: MakeQueue) -> None:
    name = make_queue(rate={"max_concurrent_dispatches": 7}, retry={"max_attempts": 3})
    changed = tasks_v2.Queue(name=name, rate_limits={"max_dispatches_per_second": 5})
    queue = tasks.update_queue(queue=changed, update_mask=FieldMask(paths=["rate_limits.max_dispatches_per_second"]))
    assert queue.rate_limits.max_dispatches_per_second == 5
    assert (queue.rate_limits.max_concurrent_dispatches, queue.retry_config.max_attempts) == (7, 3)


def test_second_queue_of_a_name_conflicts(tasks: Tasks, make_queue: MakeQueue) -> None:
    with pytest.raises(exceptions.Conflict):
        tasks.create_queue(parent=LOCATION, queue=tasks_v2.Queue(name=make_queue()))


def test_queue_faster_than_google_allows_is_refused(make_queue: MakeQueue) -> None:
    with pytest.raises(exceptions.BadRequest, match="maxDispatchesPerSecond"):
        make_queue(rate={"max_dispatches_per_second": 501})


def test_deleted_queue_is_gone(tasks: Tasks, make_queue: MakeQueue) -> None:
    name = make_queue()
    tasks.delete_queue(name=name)
    with pytest.raises(exceptions.NotFound):
        tasks.get_queue(name=name)


def test_task_for_an_unknown_queue_is_not_found(tasks: Tasks, cloud: LocalCloud) -> None:
    path = f"{LOCATION}/queues/{uuid.uuid4().hex}"
    with pytest.raises(exceptions.NotFound):
        tasks.create_task(parent=path, task=new_task())
    assert cloud.call("POST", f"/v2/{path}/tasks", {"task": {}}).json()["error"]["status"] == "NOT_FOUND"


def test_task_name_stays_taken_after_completion(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue()
    task = new_task(recorder.url, name=f"{queue}/tasks/once")
    tasks.create_task(parent=queue, task=task)
    cloud.wait_idle(queue)
    with pytest.raises(exceptions.Conflict):
        tasks.create_task(parent=queue, task=task)
    assert len(recorder.dispatches) == 1


def test_task_name_is_taken_while_pending_and_after_deletion(tasks: Tasks, make_queue: MakeQueue) -> None:
    queue = make_queue()
    tasks.pause_queue(name=queue)
    task = new_task(name=f"{queue}/tasks/once")
    tasks.create_task(parent=queue, task=task)
    with pytest.raises(exceptions.Conflict):
        tasks.create_task(parent=queue, task=task)
    tasks.delete_task(name=task.name)
    with pytest.raises(exceptions.Conflict):
        tasks.create_task(parent=queue, task=task)
    with pytest.raises(exceptions.NotFound):
        tasks.get_task(name=task.name)


def test_purge_removes_every_task(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue()
    tasks.pause_queue(name=queue)
    for _ in range(3):
        tasks.create_task(parent=queue, task=new_task(recorder.url))
    assert len(list(tasks.list_tasks(request={"parent": queue, "page_size": 2}))) == 3
    tasks.purge_queue(name=queue)
    tasks.resume_queue(name=queue)
    cloud.wait_idle(queue)
    assert list(tasks.list_tasks(parent=queue)) == []
    assert recorder.dispatches == []


def test_body_is_shown_in_the_full_view_only(tasks: Tasks, make_queue: MakeQueue) -> None:
    queue = make_queue()
    tasks.pause_queue(name=queue)
    task = tasks.create_task(parent=queue, task=tasks_v2.Task(http_request={"url": UNUSED, "body": b"secret"}))
    full = tasks.get_task(request={"name": task.name, "response_view": tasks_v2.Task.View.FULL})
    assert (task.http_request.body, full.http_request.body) == (b"", b"secret")
    assert full.dispatch_deadline == timedelta(minutes=10)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schedule_time": datetime.now(UTC) + timedelta(days=31)}, "scheduleTime"),
        ({"dispatch_deadline": Duration(seconds=14)}, "dispatchDeadline"),
        ({"dispatch_deadline": Duration(seconds=1801)}, "dispatchDeadline"),
        ({"name": "projects/other/locations/x/queues/y/tasks/z"}, "name"),
        ({"http_request": {"url": "ftp://127.0.0.1/"}}, "url"),
        ({"http_request": {"url": UNUSED, "body": b"x" * 1_048_577}}, "too large"),
        ({"http_request": {"url": UNUSED, "body": b"x", "http_method": tasks_v2.HttpMethod.GET}}, "body"),
    ],
)
def test_unacceptable_task_is_refused(fields: dict[str, Any], message: str, tasks: Tasks, make_queue: MakeQueue) -> None:
    task = {"http_request": {"url": UNUSED}, **fields}
    with pytest.raises(exceptions.BadRequest, match=message):
        tasks.create_task(parent=make_queue(), task=tasks_v2.Task(task))


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"task": 1}', b'{"task": {"httpRequest": {"url": "http://x", "headers": {"a": 1}}}}'])
def test_garbage_is_refused_in_googles_shape(body: bytes, cloud: LocalCloud, make_queue: MakeQueue) -> None:
    response = requests.post(f"{cloud.url}/v2/{make_queue()}/tasks", data=body, timeout=5)
    assert (response.status_code, response.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
