"""The surfaces of the internal functions: called by Cloud Tasks and Cloud Scheduler with an OIDC token.

Their answers are made for the queue that calls:

| what happened | answer | the queue |
|---|---|---|
| done, done before, or not to be done for a stored reason | 200 | drops the task |
| another call holds the lease, or something we need is down | 409 with Retry-After | waits and repeats (503 and 429 would slow the whole queue) |
| no valid token | 401 or 403 | repeats, until somebody mends the deployment |
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from fanfare.domain.errors import Forbidden, Unauthenticated, Unavailable
from fanfare.ports import Deps
from fanfare.web.bodies import StrictJson
from fanfare.web.problems import HTTP_CODES, problem, problem_of
from fanfare.web.request_ids import read_request_id
from fanfare.web.security_headers import add_security_headers
from fanfare.web.tracing import begin_trace


def build_internal(deps: Deps, function: str, act: Callable[[], Response]) -> Flask:
    """Build the app of an internal function: authenticate the caller, name the request, act, and answer so that the queue does the right thing."""
    app = Flask(f"fanfare.{function}", static_folder=None)
    app.json = StrictJson(app)
    app.debug, app.url_map.merge_slashes = False, False
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.post("/")
    def handle() -> Response:
        g.began = deps.clock.now()
        begin_trace(deps, function)
        structlog.contextvars.bind_contextvars(function=function)
        deps.call_authenticator.authenticate(function, _bearer())
        content = request.get_json(force=True, silent=True)
        given = content.get("request_id", "") if isinstance(content, dict) else ""
        g.request_id = read_request_id(given if isinstance(given, str) else "", deps)
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        return act()

    app.after_request(partial(_finish, deps))
    app.register_error_handler(Unauthenticated, problem_of)
    app.register_error_handler(Forbidden, problem_of)
    app.register_error_handler(Unavailable, lambda error: busy(error.retry_after_seconds))
    app.register_error_handler(Exception, lambda error: _fail(deps, error))
    return app


def busy(retry_after_seconds: int) -> Response:
    """Ask the queue to repeat later, without slowing its other tasks."""
    response = jsonify({"result": "busy"})
    response.status_code = HTTPStatus.CONFLICT
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response


def _finish(deps: Deps, response: Response) -> Response:
    add_security_headers(request, response)
    if "began" in g:
        _tell(deps, response.status_code)
    return response


def _tell(deps: Deps, status: int) -> None:
    """One line a call, by which its id finds it."""
    millis = round((deps.clock.now() - g.began).total_seconds() * 1e3, 1)
    deps.log.info("answered", status=status, ms=millis)
    deps.telemetry.end(status=status, request_id=g.get("request_id", ""))


def _fail(deps: Deps, error: Exception) -> Response:
    """Answer what nobody foresaw: logged without its text, which may hold a target; the queue repeats the task with its backoff."""
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.code or 500)
        return problem(status, HTTP_CODES.get(status, "malformed_request"), error.description or status.phrase)
    deps.log.error("internal_error", error=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side.")


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("A bearer token is required.")
    return token
