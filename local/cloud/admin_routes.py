"""HTTP surface for tests and the local stack: what is pending, what happened, what shall go wrong."""

from __future__ import annotations

import dataclasses

from aiohttp import web

from local.cloud.errors import ApiError, invalid_argument
from local.cloud.requests import read_document
from local.cloud.scheduler.routes import JOBS
from local.cloud.tasks.faults import Faults
from local.cloud.tasks.queue_routes import QUEUES
from local.cloud.tasks.task import Task
from local.cloud.wire import Document, format_timestamp, parse_number

_LONGEST_WAIT_SECONDS = 600


async def get_health(_: web.Request) -> web.Response:
    """Answer that it serves."""
    return web.json_response({"status": "ok"})


async def get_tasks(request: web.Request) -> web.Response:
    """List the pending tasks in the order in which they are due."""
    queues = request.app[QUEUES].named(request.query.get("queue"))
    tasks = sorted((task for queue in queues for task in queue.tasks.values()), key=lambda task: (task.schedule_time, task.sequence))
    return web.json_response({"tasks": [_summarise(task) for task in tasks]})


async def get_stats(request: web.Request) -> web.Response:
    """Answer each queue's counters, by resource name."""
    queues = request.app[QUEUES].named(request.query.get("queue"))
    return web.json_response({"queues": {queue.name: {**queue.stats.to_document(), "pending": len(queue.tasks)} for queue in queues}})


async def wait_idle(request: web.Request) -> web.Response:
    """Answer 200 once nothing is running or due, 504 when the time is over."""
    asked = request.query.get("queue")
    queues = request.app[QUEUES].named(asked)
    jobs = request.app[JOBS]

    def is_idle() -> bool:
        return all(queue.is_idle() for queue in queues) and (asked is not None or jobs.is_idle())

    if not await request.app[QUEUES].around.activity.wait_until(is_idle, _read_timeout(request)):
        raise ApiError(504, "There are still tasks that are running or due")
    return web.json_response({"idle": True})


async def get_faults(request: web.Request) -> web.Response:
    """Show the faults in force."""
    return web.json_response(_faults(request).to_document())


async def set_faults(request: web.Request) -> web.Response:
    """Set the named faults."""
    _faults(request).set(await read_document(request))
    return await get_faults(request)


async def clear_faults(request: web.Request) -> web.Response:
    """End all faults."""
    faults, fresh = _faults(request), Faults()
    for field in dataclasses.fields(Faults):
        setattr(faults, field.name, getattr(fresh, field.name))
    return await get_faults(request)


def _faults(request: web.Request) -> Faults:
    return request.app[QUEUES].around.faults


def _read_timeout(request: web.Request) -> float:
    try:
        seconds = float(request.query.get("timeout", "30"))
    except ValueError as error:
        raise invalid_argument("timeout must be a number of seconds") from error
    return parse_number(seconds, "timeout", 0, _LONGEST_WAIT_SECONDS)


def _summarise(task: Task) -> Document:
    return {
        "name": task.name,
        "schedule_time": format_timestamp(task.schedule_time),
        "attempts": task.dispatch_count,
        "last_status": None if task.last_answer is None else task.last_answer.status,
        "running": task.in_flight > 0,
    }


ROUTES = [
    web.get("/_local/health", get_health),
    web.get("/_local/tasks", get_tasks),
    web.get("/_local/stats", get_stats),
    web.get("/_local/idle", wait_idle),
    web.get("/_local/faults", get_faults),
    web.post("/_local/faults", set_faults),
    web.delete("/_local/faults", clear_faults),
]
