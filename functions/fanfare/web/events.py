"""`/events`: the ledger, by polling. The stream of the same events is a function of its own (`stream.py`)."""

from __future__ import annotations

from flask import Response

from fanfare.domain.client import Scope
from fanfare.services.read_events import get_event, read_events
from fanfare.web.event_answers import EventOut, EventPage, show_event, show_events
from fanfare.web.event_schemas import EventPath, EventQuery
from fanfare.web.gate import authorized, call, deps
from fanfare.web.resource import Resource
from fanfare.web.schema import problems

routes = Resource("events", "What happened, in the order in which it did.")


@routes.get("/events", responses={200: EventPage})
@authorized(Scope.READ)
def index(query: EventQuery) -> Response:
    """List the events after a cursor, the oldest first, each five seconds after it happened."""
    return show_events(*read_events(deps(), call().tenant, query.poll()))


@routes.get("/events/<id>", responses={200: EventOut, **problems(404)})
@authorized(Scope.READ)
def show(path: EventPath) -> Response:
    """Show an event."""
    return show_event(get_event(deps(), call().tenant, path.id))
