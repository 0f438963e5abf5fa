"""`/notify`: accept a message to send."""

from __future__ import annotations

from flask import Response

from fanfare.domain.client import Scope
from fanfare.domain.limits import LimitGroup
from fanfare.services.accept_notification import accept_notification
from fanfare.web.accepted_answers import AcceptedOut, answer_accepted
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import repeatable, request_hash
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.send_schemas import SendIn

routes = Resource("notify", "Sending.")


@routes.post("/notify", responses={202: AcceptedOut, **problems(409)})
@authorized(Scope.SEND, group=LimitGroup.SEND)
@repeatable
def notify(body: SendIn) -> Response:
    """Send one message to devices, people, a topic, a condition, a segment or everyone; it is accepted here and delivered afterwards."""
    return answer_accepted(accept_notification(deps(), call(), body.request(request_hash())))
