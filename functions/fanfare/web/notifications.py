"""`/notifications`: what became of what was sent."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.list_pages import list_notifications, page_of_received
from fanfare.services.show_notification import get_notification, get_notifications
from fanfare.services.trace_device import trace_device
from fanfare.web.delivery_answers import DeliveryPage, show_delivery
from fanfare.web.gate import authorized, call, deps
from fanfare.web.notification_answers import NotificationOut, NotificationPage, StatusesOut, StatusOut, show_notification, show_status
from fanfare.web.notification_schemas import NotificationPath, NotificationQuery, StatusesIn, TracePath
from fanfare.web.paging import PageQuery, show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.trace_answers import TraceOut, show_trace

routes = Resource("notifications", "What became of what was sent.")


@routes.get("/notifications", responses={200: NotificationPage})
@authorized(Scope.READ)
def index(query: NotificationQuery) -> Response:
    """List notifications, the newest first."""
    return show_page(list_notifications(deps(), call().tenant, query.filters(), query.limit, query.cursor), show_notification)


@routes.get("/notifications/<id>", responses={200: NotificationOut, **problems(404)})
@authorized(Scope.READ)
def show(path: NotificationPath) -> Response:
    """Show a notification."""
    return jsonify(show_notification(get_notification(deps(), call().tenant, path.id)))


@routes.get("/notifications/<id>/status", responses={200: StatusOut, **problems(404)})
@authorized(Scope.READ)
def status(path: NotificationPath) -> Response:
    """Show a notification's state and counts."""
    return jsonify(show_status(get_notification(deps(), call().tenant, path.id)))


@routes.post("/notifications/status", responses={200: StatusesOut})
@authorized(Scope.READ)
def statuses(body: StatusesIn) -> Response:
    """Show the states and counts of up to 100 notifications, each once, in the order of the ids; of an unknown one the id alone."""
    ids = list(dict.fromkeys(body.ids))
    found = dict(zip(ids, get_notifications(deps(), call().tenant, ids), strict=True))
    items = [show_status(one) for one in found.values() if one is not None]
    return jsonify({"items": items, "missing": [name for name, one in found.items() if one is None]})


@routes.get("/notifications/<id>/deliveries", responses={200: DeliveryPage, **problems(404)})
@authorized(Scope.READ)
def deliveries(path: NotificationPath, query: PageQuery) -> Response:
    """List a notification's recipients with their outcomes."""
    return show_page(page_of_received(deps(), call().tenant, path.id, query.limit, query.cursor), lambda row: show_delivery(*row))


@routes.get("/notifications/<id>/devices/<device>", responses={200: TraceOut, **problems(404)})
@authorized(Scope.READ)
def trace(path: TracePath) -> Response:
    """Show everything that is known of one recipient."""
    return jsonify(show_trace(trace_device(deps(), call().tenant, path.id, path.device)))
