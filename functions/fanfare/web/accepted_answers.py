"""The answer to a request to send."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.services.new_notification import Accepted
from fanfare.web.resource import PREFIX
from fanfare.web.schema import Out


class AcceptedOut(Out):
    """The notification that was made; where to look for what becomes of it stands in `Location`."""

    id: str
    status: str


def answer_accepted(accepted: Accepted) -> Response:
    """Say what was accepted; a repeat of the request is answered as the first one was."""
    notification = accepted.notification
    reaches_anybody = bool(notification.chunk_count or notification.layout)
    response = jsonify({"id": notification.id, "status": "queued" if reaches_anybody else "completed"})
    response.status_code = 202
    response.headers["Location"] = f"{PREFIX}/notifications/{notification.id}"
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
