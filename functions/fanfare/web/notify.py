"""`/notify`: accept a message to send."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.limits import LimitGroup
from fanfare.services.accept_notification import accept_notification
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import repeatable, request_hash
from fanfare.web.resource import PREFIX, Resource
from fanfare.web.schema import Out, problems
from fanfare.web.send_schemas import SendIn

routes = Resource("notify", "Sending.")


class AcceptedOut(Out):
    """The notification that was made; where to look for what becomes of it stands in `Location`."""

    id: str
    status: str


@routes.post("/notify", responses={202: AcceptedOut, **problems(409)})
@authorized(Scope.SEND, group=LimitGroup.SEND)
@repeatable
def notify(body: SendIn) -> Response:
    """Send one message to devices, people, a topic, a condition or a segment; it is accepted here and delivered at once afterwards."""
    accepted = accept_notification(deps(), call(), body.request(request_hash()))
    response = jsonify({"id": accepted.notification.id, "status": "queued" if accepted.notification.chunk_count else "completed"})
    response.status_code = 202
    response.headers["Location"] = f"{PREFIX}/notifications/{accepted.notification.id}"
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
