"""Faults of the Cloud Tasks stand-in, and what its admin routes tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2

from tests.contract.local_cloud.conftest import LocalCloud, Recorder

Tasks = tasks_v2.CloudTasksClient
MakeQueue = Callable[..., str]
SetFaults = Callable[[dict[str, Any]], None]


def fill(tasks: Tasks, queue: str, url: str, count: int) -> None:
    tasks.pause_queue(name=queue)
    for number in range(count):
        tasks.create_task(parent=queue, task=tasks_v2.Task(http_request={"url": f"{url}/{number:02}"}))
    tasks.resume_queue(name=queue)


def test_creation_fails_as_often_as_asked(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, faults: SetFaults, cloud: LocalCloud) -> None:
    queue = make_queue()
    faults({"create_task": {"status": 503, "times": 2}})
    task = tasks_v2.Task(http_request={"url": recorder.url})
    for _ in range(2):
        with pytest.raises(exceptions.ServiceUnavailable):
            tasks.create_task(parent=queue, task=task)
    tasks.create_task(parent=queue, task=task)
    cloud.wait_idle(queue)
    assert len(recorder.dispatches) == 1


def test_share_of_the_tasks_is_dispatched_twice(
    tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, faults: SetFaults, cloud: LocalCloud
) -> None:
    queue = make_queue()
    faults({"duplicate_share": 0.5, "seed": 7})
    fill(tasks, queue, recorder.url, 20)
    cloud.wait_idle(queue)
    stats = cloud.stats(queue)
    assert len({dispatch.path for dispatch in recorder.dispatches}) == 20
    assert 0 < stats["duplicated"] < 20
    assert len(recorder.dispatches) == stats["dispatched"] == 20 + stats["duplicated"]


def test_due_tasks_go_out_in_random_order(tasks: Tasks, make_queue: MakeQueue, recorder: Recorder, faults: SetFaults, cloud: LocalCloud) -> None:
    queue = make_queue(rate={"max_concurrent_dispatches": 1})
    faults({"reorder": True, "seed": 7})
    fill(tasks, queue, recorder.url, 20)
    cloud.wait_idle(queue)
    paths = [dispatch.path for dispatch in recorder.dispatches]
    assert len(paths) == 20
    assert paths != sorted(paths)


def test_cleared_faults_are_gone(faults: SetFaults, cloud: LocalCloud) -> None:
    faults({"duplicate_share": 1, "reorder": True, "create_task": {"times": 5}})
    cleared = cloud.call("DELETE", "/_local/faults").json()
    assert (cleared["duplicate_share"], cleared["reorder"], cleared["create_task"]["times"]) == (0, False, 0)


def test_unknown_fault_is_refused(cloud: LocalCloud) -> None:
    response = cloud.call("POST", "/_local/faults", {"duplicat_share": 1})
    assert (response.status_code, response.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_health_answers(cloud: LocalCloud) -> None:
    assert cloud.call("GET", "/_local/health").status_code == 200
