"""HTTP surface of tasks, Cloud Tasks REST v2."""

from __future__ import annotations

import time
from collections.abc import Mapping

from aiohttp import web

from local.cloud.requests import read_document, read_page
from local.cloud.tasks.admission import parse_task
from local.cloud.tasks.queue import TaskQueue
from local.cloud.tasks.queue_routes import QUEUE, QUEUES, queue_name
from local.cloud.tasks.task import Task
from local.cloud.wire import parse_enum, section

_TASK = QUEUE + "/tasks/{task:[^/:]+}"
_VIEWS = ("VIEW_UNSPECIFIED", "BASIC", "FULL")


async def create_task(request: web.Request) -> web.Response:
    """Take a task into a queue."""
    queues = request.app[QUEUES]
    queues.around.faults.check_creation()
    queue = queues.find(queue_name(request))
    document = await read_document(request)
    full = _wants_full(document)
    task = parse_task(section(document, "task"), queue.name, next(queues.sequence), time.time())
    # Shown as it was accepted, before a dispatch can change it.
    shown = task.to_document(full=full)
    queue.add(task)
    return web.json_response(shown)


async def list_tasks(request: web.Request) -> web.Response:
    """List the tasks that have not ended."""
    full = _wants_full(request.query)
    page, token = read_page(request, _queue(request).tasks.values(), lambda task: task.name)
    return web.json_response({"tasks": [task.to_document(full=full) for task in page], "nextPageToken": token})


async def get_task(request: web.Request) -> web.Response:
    """Show a task that has not ended."""
    return _show(_queue(request).find(_task_name(request)), full=_wants_full(request.query))


async def delete_task(request: web.Request) -> web.Response:
    """Remove a task that has not ended."""
    _queue(request).delete(_task_name(request))
    return web.json_response({})


async def run_task(request: web.Request) -> web.Response:
    """Dispatch a task now."""
    full = _wants_full(await read_document(request))
    return _show(_queue(request).run_now(_task_name(request)), full=full)


def _queue(request: web.Request) -> TaskQueue:
    return request.app[QUEUES].find(queue_name(request))


def _task_name(request: web.Request) -> str:
    return f"{queue_name(request)}/tasks/{request.match_info['task']}"


def _wants_full(fields: Mapping[str, object]) -> bool:
    view = fields.get("responseView", "BASIC")
    return parse_enum(int(view) if isinstance(view, str) and view.isdigit() else view, _VIEWS, "responseView") == "FULL"


def _show(task: Task, *, full: bool) -> web.Response:
    return web.json_response(task.to_document(full=full))


ROUTES = [
    web.post(QUEUE + "/tasks", create_task),
    web.get(QUEUE + "/tasks", list_tasks),
    web.get(_TASK, get_task),
    web.delete(_TASK, delete_task),
    web.post(_TASK + ":run", run_task),
]
