"""The internal surface of `send`: called by Cloud Tasks with an OIDC token, answers what makes the queue do the right thing.

| what happened | answer | the queue |
|---|---|---|
| delivered, delivered before, or not deliverable for a stored reason | 200 | drops the task |
| another call holds the lease, or something we need is down | 409 with Retry-After | waits and repeats (503 and 429 would slow the whole queue) |
| no valid token | 401 or 403 | repeats, until somebody mends the deployment |
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, jsonify, request

from fanfare.domain.chunk import Busy, ChunkKey
from fanfare.domain.errors import Forbidden, Unauthenticated, Unavailable
from fanfare.domain.identifiers import is_identifier
from fanfare.ports import Deps
from fanfare.services.deliver_chunk import deliver_chunk
from fanfare.web.bodies import StrictJson
from fanfare.web.problems import problem_of


def build_send(deps: Deps) -> Flask:
    """Build the app of the `send` function."""
    app = Flask("fanfare.send", static_folder=None)
    app.json = StrictJson(app)

    @app.post("/")
    def send() -> Response:
        deps.task_authenticator.authenticate(_bearer())
        key = parse_task(request.get_json(force=True, silent=True))
        if key is None:
            deps.log.warning("poison_task", task=request.headers.get("X-CloudTasks-TaskName", ""))
            return jsonify({"result": "refused"})
        outcome = deliver_chunk(deps, key)
        return _busy(outcome.retry_after_seconds) if isinstance(outcome, Busy) else jsonify({"result": "finished"})

    app.register_error_handler(Unauthenticated, problem_of)
    app.register_error_handler(Forbidden, problem_of)
    app.register_error_handler(Unavailable, lambda error: _busy(error.retry_after_seconds))
    return app


def parse_task(content: object) -> ChunkKey | None:
    """Read which chunk a task is about; None for anything that no task of ours holds."""
    if not isinstance(content, dict):
        return None
    tenant, notification, number = content.get("tenant"), content.get("notification"), content.get("chunk")
    named = isinstance(tenant, str) and isinstance(notification, str) and is_identifier(tenant) and is_identifier(notification)
    if not named or not isinstance(number, int) or isinstance(number, bool) or number < 0:
        return None
    return ChunkKey(str(tenant), str(notification), number)


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("A bearer token is required.")
    return token


def _busy(retry_after_seconds: int) -> Response:
    response = jsonify({"result": "busy"})
    response.status_code = HTTPStatus.CONFLICT
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response
