"""`/notify/bulk`: accept messages for many."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.limits import LimitGroup
from fanfare.services.accept_bulk import accept_bulk
from fanfare.web.bulk_answers import BulkAcceptedOut, show_accepted
from fanfare.web.bulk_schemas import BulkIn
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import repeatable, request_hash
from fanfare.web.resource import PREFIX, Resource
from fanfare.web.schema import problems

routes = Resource("bulk", "Sending to many at once.")


@routes.post("/notify/bulk", responses={202: BulkAcceptedOut, **problems(409)})
@authorized(Scope.SEND, group=LimitGroup.BULK)
@repeatable
def notify_many(body: BulkIn) -> Response:
    """Send up to ten thousand messages, each with its own recipients, or one message to up to ten thousand recipients, as one notification."""
    accepted = accept_bulk(deps(), call(), body.request(request_hash()))
    response = jsonify(show_accepted(accepted))
    response.status_code = 202
    response.headers["Location"] = f"{PREFIX}/notifications/{accepted.notification.id}"
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
