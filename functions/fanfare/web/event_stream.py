"""`/events/stream`: the events of a tenant as they come, as server-sent events."""

from __future__ import annotations

from http import HTTPStatus
from threading import Lock
from typing import Any

from flask import Response, current_app, g, request

from fanfare.domain.client import Scope
from fanfare.domain.errors import Unavailable
from fanfare.domain.event_stream import StreamPace, most_streams
from fanfare.services.stream_events import Listener, begin_stream, stream_events
from fanfare.web.event_frames import frames_of
from fanfare.web.event_schemas import StreamQuery
from fanfare.web.gate import authorized, caller, deps
from fanfare.web.resource import Resource

CONTENT_TYPE = "text/event-stream"
EXTENSION = "fanfare.streams"
LAST_EVENT_ID = "Last-Event-ID"
RETRY_AFTER_SECONDS = 10
_SHOWN: Any = {200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}, "description": "The events as they come, for ten minutes at most."}}
_HEADERS = {
    "Content-Type": f"{CONTENT_TYPE}; charset=utf-8",
    # Nothing on the way may keep a piece back, until there is more of it or for the next one who asks.
    "X-Accel-Buffering": "no",
    "Cache-Control": "no-store",
}
routes = Resource("event_stream", "What happens, as it does.", tag="events")


class Streams:
    """How many streams this instance carries, and how they live."""

    def __init__(self, pace: StreamPace) -> None:
        self.pace = pace
        self._count = 0
        self._lock = Lock()

    def open(self, most: int) -> None:
        """Count a stream; Unavailable if there are as many as may be."""
        with self._lock:
            if self._count >= most:
                raise Unavailable("This instance carries as many streams as it can.", RETRY_AFTER_SECONDS)
            self._count += 1

    def close(self) -> None:
        """Forget a stream that has ended."""
        with self._lock:
            self._count -= 1


@routes.get("/events/stream", responses=_SHOWN)
@authorized(Scope.READ)
def follow(query: StreamQuery) -> Response:
    """Follow the events: each five seconds after it happened, in their order, from the one after `Last-Event-ID` on."""
    cursor, field = (request.headers[LAST_EVENT_ID], LAST_EVENT_ID) if LAST_EVENT_ID in request.headers else (query.after, "after")
    listener = Listener(caller().tenant, caller().id, g.token, g.address, query.filters())
    place = begin_stream(deps(), listener, cursor or None, field=field)
    if request.method == "HEAD":
        return Response(status=HTTPStatus.OK, headers=_HEADERS)
    streams: Streams = current_app.extensions[EXTENSION]
    streams.open(most_streams(deps().lifecycle.threads()))
    response = Response(frames_of(stream_events(deps(), listener, place, streams.pace)), headers=_HEADERS)
    response.call_on_close(streams.close)
    return response
