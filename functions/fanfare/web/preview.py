"""`/notify/preview`: what a message would come to."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.preview_notification import preview_notification
from fanfare.web.gate import authorized, call, deps
from fanfare.web.preview_answers import PreviewOut, show_preview
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.send_schemas import SendIn

NOT_STORED = ""
"""What stands for the hash of a request that is not kept, and so never compared with a repeat."""

routes = Resource("preview", "What sending would come to.")


@routes.post("/notify/preview", responses={200: PreviewOut, **problems(409)})
@authorized(Scope.SEND, Scope.READ)
def preview(body: SendIn) -> Response:
    """Show whom a request to send would reach, what each platform and language is told, when it ends and what it costs; nothing is sent."""
    return jsonify(show_preview(preview_notification(deps(), call(), body.request(NOT_STORED))))
