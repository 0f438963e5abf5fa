"""Dispatch, retries and limits of the Cloud Tasks stand-in, through the real client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import google.auth.transport.requests
import pytest
import requests
from google.cloud import tasks_v2
from google.oauth2 import id_token
from google.protobuf.duration_pb2 import Duration

from tests.contract.local_cloud.conftest import LocalCloud, Recorder

Tasks = tasks_v2.CloudTasksClient
MakeQueue = Callable[..., str]
EMAIL = "tasks@demo.iam.gserviceaccount.com"


def backoff(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def enqueue(tasks: Tasks, queue: str, url: str, **fields: Any) -> tasks_v2.Task:
    request = {"url": url, "http_method": tasks_v2.HttpMethod.POST, **fields.pop("http_request", {})}
    return tasks.create_task(parent=queue, task=tasks_v2.Task(http_request=request, **fields))


def retry_counts(recorder: Recorder) -> list[str]:
    return [dispatch.headers["X-CloudTasks-TaskRetryCount"] for dispatch in recorder.dispatches]


def test_task_is_dispatched_with_body_and_headers(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue()
    headers = {"Content-Type": "application/json", "X-Trace": "t1", "User-Agent": "mine", "X-CloudTasks-QueueName": "forged"}
    task = enqueue(tasks, queue, recorder.url + "/send", http_request={"body": b'{"n":1}', "headers": headers})
    cloud.wait_idle(queue)
    (dispatch,) = recorder.dispatches
    assert (dispatch.method, dispatch.path, dispatch.body) == ("POST", "/send", b'{"n":1}')
    assert dispatch.headers["Content-Type"] == "application/json"
    assert dispatch.headers["X-Trace"] == "t1"
    assert dispatch.headers["User-Agent"] == "Google-Cloud-Tasks"
    assert dispatch.headers["X-CloudTasks-QueueName"] == queue.rpartition("/")[2]
    assert dispatch.headers["X-CloudTasks-TaskName"] == task.name.rpartition("/")[2]
    assert dispatch.headers["X-CloudTasks-TaskExecutionCount"] == "0"
    assert float(dispatch.headers["X-CloudTasks-TaskETA"]) == pytest.approx(task.schedule_time.timestamp(), abs=0.001)
    assert "X-CloudTasks-TaskPreviousResponse" not in dispatch.headers


@pytest.mark.parametrize("certificates", ["/oauth2/v3/certs", "/oauth2/v1/certs"])
def test_oidc_token_of_a_dispatch_verifies(certificates: str, tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue()
    enqueue(tasks, queue, recorder.url + "/send", http_request={"oidc_token": {"service_account_email": EMAIL}})
    cloud.wait_idle(queue)
    scheme, _, token = recorder.dispatches[0].headers["Authorization"].partition(" ")
    with requests.Session() as session:
        request = google.auth.transport.requests.Request(session=session)
        claims = id_token.verify_token(token, request, audience=recorder.url + "/send", certs_url=cloud.url + certificates)
    assert scheme == "Bearer"
    assert (claims["iss"], claims["email"], claims["email_verified"]) == ("https://accounts.google.com", EMAIL, True)
    assert claims["exp"] - claims["iat"] == 3600


def test_failed_task_is_retried_until_it_succeeds(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue(retry={"min_backoff": backoff(0.05)})
    recorder.answer("/send", 500, 404)
    enqueue(tasks, queue, recorder.url + "/send")
    cloud.wait_idle(queue)
    assert retry_counts(recorder) == ["0", "1", "2"]
    last = recorder.dispatches[-1].headers
    assert last["X-CloudTasks-TaskPreviousResponse"] == "404"
    assert last["X-CloudTasks-TaskExecutionCount"] == "1"
    assert "404" in last["X-CloudTasks-TaskRetryReason"]
    assert cloud.stats(queue)["last_statuses"] == [500, 404, 200]
    assert list(tasks.list_tasks(parent=queue)) == []


def test_backoff_doubles_between_retries(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue(retry={"min_backoff": backoff(0.1), "max_doublings": 2})
    recorder.answer("/send", 500, 500, 500)
    enqueue(tasks, queue, recorder.url + "/send")
    cloud.wait_idle(queue)
    etas = [float(dispatch.headers["X-CloudTasks-TaskETA"]) for dispatch in recorder.dispatches]
    waits = [later - earlier for earlier, later in pairwise(etas)]
    assert [wait > least for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True)] == [True] * 3


def test_exhausted_task_is_dropped(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue(retry={"min_backoff": backoff(0.01), "max_attempts": 2})
    recorder.answer("/send", 500, 500, 500)
    enqueue(tasks, queue, recorder.url + "/send")
    cloud.wait_idle(queue)
    assert retry_counts(recorder) == ["0", "1"]
    assert cloud.stats(queue)["exhausted"] == 1


def test_retry_after_is_the_least_wait(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue(retry={"min_backoff": backoff(0.01)})
    recorder.answer("/send", 409, headers={"Retry-After": "50"})
    task = enqueue(tasks, queue, recorder.url + "/send")
    cloud.wait_idle(queue)
    waiting = tasks.get_task(name=task.name)
    assert waiting.last_attempt.response_status.code == 10
    assert waiting.schedule_time - waiting.last_attempt.response_time >= timedelta(seconds=49.9)


def test_task_waits_for_its_schedule_time(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue()
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    task = enqueue(tasks, queue, recorder.url + "/later", schedule_time=due)
    cloud.wait_idle(queue)
    assert task.schedule_time == due
    assert len(recorder.dispatches) == 1
    assert datetime.now(UTC) >= due


def test_tasks_go_out_in_order_of_due_time_then_creation(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue(rate={"max_concurrent_dispatches": 1})
    due = datetime.now(UTC) + timedelta(seconds=0.9)
    for path in ("/b", "/c", "/d"):
        enqueue(tasks, queue, recorder.url + path, schedule_time=due)
    enqueue(tasks, queue, recorder.url + "/a", schedule_time=due - timedelta(seconds=0.1))
    cloud.wait_idle(queue)
    assert [dispatch.path for dispatch in recorder.dispatches] == ["/a", "/b", "/c", "/d"]


def test_rate_limit_spreads_what_exceeds_the_burst(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue(rate={"max_dispatches_per_second": 40, "max_burst_size": 5})
    tasks.pause_queue(name=queue)
    for _ in range(25):
        enqueue(tasks, queue, recorder.url + "/send")
    began = datetime.now(UTC)
    tasks.resume_queue(name=queue)
    cloud.wait_idle(queue)
    assert len(recorder.dispatches) == 25
    assert datetime.now(UTC) - began >= timedelta(seconds=0.49)


def test_concurrency_limit_is_kept(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    recorder.hold_seconds = 0.1
    queue = make_queue(rate={"max_concurrent_dispatches": 2})
    for _ in range(6):
        enqueue(tasks, queue, recorder.url + "/send")
    cloud.wait_idle(queue)
    assert (len(recorder.dispatches), recorder.peak) == (6, 2)


def test_dispatch_past_its_deadline_is_cut_off_and_retried(
    tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud, faults: Callable[[dict[str, Any]], None]
) -> None:
    faults({"deadline_seconds": 0.2})
    recorder.hold_seconds = 5
    queue = make_queue(retry={"min_backoff": backoff(20), "max_backoff": backoff(20)})
    task = enqueue(tasks, queue, recorder.url + "/slow")
    cloud.wait_idle(queue)
    waiting = tasks.get_task(name=task.name)
    assert (waiting.dispatch_count, waiting.response_count) == (1, 0)
    assert waiting.last_attempt.response_status.code == 4


def test_handler_that_cannot_be_reached_is_retried(tasks: Tasks, make_queue: MakeQueue, cloud: LocalCloud) -> None:
    queue = make_queue(retry={"min_backoff": backoff(20), "max_backoff": backoff(20)})
    task = enqueue(tasks, queue, "http://127.0.0.1:1/send")
    cloud.wait_idle(queue)
    assert tasks.get_task(name=task.name).last_attempt.response_status.code == 14
    assert cloud.stats(queue)["retried"] == 1


def test_paused_queue_holds_its_tasks(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue()
    assert tasks.pause_queue(name=queue).state == tasks_v2.Queue.State.PAUSED
    task = enqueue(tasks, queue, recorder.url + "/send")
    assert cloud.call("GET", f"/_local/idle?timeout=0.2&queue={queue}").status_code == 504
    (pending,) = cloud.call("GET", f"/_local/tasks?queue={queue}").json()["tasks"]
    assert (pending["name"], pending["attempts"], pending["running"]) == (task.name, 0, False)
    assert recorder.dispatches == []
    tasks.resume_queue(name=queue)
    cloud.wait_idle(queue)
    assert len(recorder.dispatches) == 1


def test_run_dispatches_a_task_of_a_paused_queue(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue()
    tasks.pause_queue(name=queue)
    task = enqueue(tasks, queue, recorder.url + "/send", schedule_time=datetime.now(UTC) + timedelta(days=1))
    assert tasks.run_task(name=task.name).dispatch_count == 1
    cloud.wait_idle(queue)
    assert len(recorder.dispatches) == 1


def test_overloaded_handler_slows_the_queue(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, cloud: LocalCloud) -> None:
    queue = make_queue(rate={"max_dispatches_per_second": 20, "max_burst_size": 1}, retry={"min_backoff": backoff(30), "max_backoff": backoff(30)})
    recorder.answer("/busy", 503)
    enqueue(tasks, queue, recorder.url + "/busy")
    cloud.wait_idle(queue)
    began = datetime.now(UTC)
    for _ in range(5):
        enqueue(tasks, queue, recorder.url + "/send")
    cloud.wait_idle(queue)
    # At the full 20 a second the fifth leaves after 0.2 s.
    assert datetime.now(UTC) - began >= timedelta(seconds=0.35)
