"""`/keepalive-reply`: an app has received a ping."""

from __future__ import annotations

from flask import Response

from fanfare.domain.client import Scope
from fanfare.domain.limits import LimitGroup
from fanfare.services.keepalive_reply import note_reply
from fanfare.web.gate import authorized, call, deps
from fanfare.web.keepalive_schemas import ReplyIn
from fanfare.web.resource import Resource
from fanfare.web.schema import problems

routes = Resource("keepalive-reply", "Replies of apps to keepalive pings.")


@routes.post("/keepalive-reply", responses={204: None, **problems(404)})
@authorized(Scope.DEVICES, group=LimitGroup.DEVICES, users=True, receipts=True)
def reply(body: ReplyIn) -> Response:
    """Note that a device's app has replied to a ping. To say it again is harmless."""
    note_reply(deps(), call(), body.replying())
    return Response(status=204)
