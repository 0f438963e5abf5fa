"""`/notify/topic/<name>`: accept a message to whoever is subscribed to a topic."""

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
from fanfare.web.send_schemas import TopicSendIn
from fanfare.web.topic_schemas import TopicPath

routes = Resource("notify_topic", "Sending to topics.")


@routes.post("/notify/topic/<name>", responses={202: AcceptedOut, **problems(409)})
@authorized(Scope.SEND, group=LimitGroup.SEND)
@repeatable
def notify_topic(path: TopicPath, body: TopicSendIn) -> Response:
    """Send one message to a topic that was created here; FCM fans it out, or `"fanout": "devices"` sends to each subscribed device and tracks it."""
    request, route = body.request(path.name, request_hash()), f"POST /api/v1/notify/topic/{path.name}"
    return answer_accepted(accept_notification(deps(), call(), request, route=route, topic=path.name))
