"""`/notifications/{id}/cancel`, `/pause`, `/resume`, `/retry`: stopping what is under way and letting it go on.

The answer is the state as it is now. While a pass is under way its `status_reason` is `cancelling` or `pausing`: the pass ends with its chunk, and
then the counts are exact.
"""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.limits import LimitGroup
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.steer_notification import cancel_notification, pause_notification, resume_notification, retry_notification
from fanfare.web.gate import authorized, call, deps
from fanfare.web.notification_answers import StatusOut, show_status
from fanfare.web.notification_schemas import NotificationPath
from fanfare.web.once import once, repeatable
from fanfare.web.resource import Resource
from fanfare.web.schema import problems

routes = Resource("steering", "What became of what was sent.", tag="notifications")
_ANSWERS = {200: StatusOut, **problems(404, 409)}


@routes.post("/notifications/<id>/cancel", responses=_ANSWERS)
@authorized(Scope.SEND, group=LimitGroup.SEND)
def cancel(path: NotificationPath) -> Response:
    """Send to nobody else; whoever was sent to stays so. Repeating it changes nothing."""
    return jsonify(show_status(cancel_notification(deps(), call(), path.id)))


@routes.post("/notifications/<id>/pause", responses=_ANSWERS)
@authorized(Scope.SEND, group=LimitGroup.SEND)
def pause(path: NotificationPath) -> Response:
    """Send to nobody until it is resumed. The time to live goes on. Repeating it changes nothing."""
    return jsonify(show_status(pause_notification(deps(), call(), path.id)))


@routes.post("/notifications/<id>/resume", responses=_ANSWERS)
@authorized(Scope.SEND, group=LimitGroup.SEND)
def resume(path: NotificationPath) -> Response:
    """Let a paused notification go on. Repeating it changes nothing."""
    return jsonify(show_status(resume_notification(deps(), call(), path.id)))


@routes.post("/notifications/<id>/retry", responses={202: StatusOut, **problems(404, 409)})
@authorized(Scope.SEND, group=LimitGroup.SEND)
@repeatable
def retry(path: NotificationPath) -> Response:
    """Send again to whoever failed in a way that this may mend; the time to live begins anew."""
    return once(f"POST /notifications/{path.id}/retry", lambda: HttpAnswer(202, show_status(retry_notification(deps(), call(), path.id))))
