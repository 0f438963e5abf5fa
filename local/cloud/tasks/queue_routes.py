"""HTTP surface of queues, Cloud Tasks REST v2."""

from __future__ import annotations

import re

from aiohttp import web

from local.cloud.errors import invalid_argument
from local.cloud.requests import apply_mask, read_document, read_mask, read_page
from local.cloud.tasks.queue import TaskQueue
from local.cloud.tasks.registry import QueueRegistry
from local.cloud.tasks.settings import parse_queue_settings
from local.cloud.wire import Document

QUEUES = web.AppKey("queues", QueueRegistry)

LOCATION = "/v2/projects/{project:[^/]+}/locations/{location:[^/]+}"
QUEUE = LOCATION + "/queues/{queue:[^/:]+}"

_QUEUE_ID = re.compile(r"[A-Za-z0-9-]{1,100}")


def queue_name(request: web.Request) -> str:
    """Return the resource name of the queue in the path."""
    return _parent(request) + "/queues/" + request.match_info["queue"]


async def create_queue(request: web.Request) -> web.Response:
    """Make a queue."""
    document = await read_document(request)
    queue = request.app[QUEUES].create(_check_name(request, document), parse_queue_settings(document))
    return web.json_response(queue.to_document())


async def list_queues(request: web.Request) -> web.Response:
    """List the queues of a location."""
    prefix = _parent(request) + "/queues/"
    queues = [queue for queue in request.app[QUEUES] if queue.name.startswith(prefix)]
    page, token = read_page(request, queues, lambda queue: queue.name)
    return web.json_response({"queues": [queue.to_document() for queue in page], "nextPageToken": token})


async def get_queue(request: web.Request) -> web.Response:
    """Show a queue."""
    return _show(_find(request))


async def patch_queue(request: web.Request) -> web.Response:
    """Change a queue's settings; Google makes the queue when it is not there."""
    document, paths = await read_document(request), read_mask(request)
    queue = request.app[QUEUES].get(queue_name(request))
    if queue is None:
        name = _check_name(request, {**document, "name": queue_name(request)})
        return _show(request.app[QUEUES].create(name, parse_queue_settings(document)))
    queue.configure(parse_queue_settings(_merge(queue, document, paths)))
    return _show(queue)


async def delete_queue(request: web.Request) -> web.Response:
    """Remove a queue with its tasks."""
    request.app[QUEUES].delete(queue_name(request))
    return web.json_response({})


async def pause_queue(request: web.Request) -> web.Response:
    """Hold a queue."""
    queue = _find(request)
    queue.set_paused(paused=True)
    return _show(queue)


async def resume_queue(request: web.Request) -> web.Response:
    """Let a held queue go on."""
    queue = _find(request)
    queue.set_paused(paused=False)
    return _show(queue)


async def purge_queue(request: web.Request) -> web.Response:
    """Remove a queue's tasks."""
    queue = _find(request)
    queue.purge()
    return _show(queue)


def _parent(request: web.Request) -> str:
    return f"projects/{request.match_info['project']}/locations/{request.match_info['location']}"


def _find(request: web.Request) -> TaskQueue:
    return request.app[QUEUES].find(queue_name(request))


def _show(queue: TaskQueue) -> web.Response:
    return web.json_response(queue.to_document())


def _merge(queue: TaskQueue, document: Document, paths: list[str]) -> Document:
    current = queue.settings.to_document()
    # Google computes the burst from the rate, so a changed rate must not keep the old burst.
    current["rateLimits"].pop("maxBurstSize")
    return apply_mask(current, document, paths)


def _check_name(request: web.Request, document: Document) -> str:
    prefix = _parent(request) + "/queues/"
    name = document.get("name")
    if not isinstance(name, str) or not name.startswith(prefix) or not _QUEUE_ID.fullmatch(name.removeprefix(prefix)):
        raise invalid_argument(f"Queue.name must have the format '{prefix}QUEUE_ID'")
    return name


ROUTES = [
    web.post(LOCATION + "/queues", create_queue),
    web.get(LOCATION + "/queues", list_queues),
    web.get(QUEUE, get_queue),
    web.patch(QUEUE, patch_queue),
    web.delete(QUEUE, delete_queue),
    web.post(QUEUE + ":pause", pause_queue),
    web.post(QUEUE + ":resume", resume_queue),
    web.post(QUEUE + ":purge", purge_queue),
]
