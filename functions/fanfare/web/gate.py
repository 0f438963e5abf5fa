"""What every request passes before its route: a request id, the size limit, authentication and scope, well-formed JSON.

Each route says who may call it: `@authorized(Scope.SEND)` or `@public`. A route that says nothing can't be called (and fails a structure test).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import structlog
from flask import Flask, Response, current_app, g, request

from fanfare.domain.client import Client, Scope, check_scope
from fanfare.domain.errors import InvalidRequest
from fanfare.ports import Deps
from fanfare.services.accept_notification import Call
from fanfare.services.authenticate import authenticate_client
from fanfare.web.bodies import body_limit, check_json
from fanfare.web.problems import problem
from fanfare.web.request_ids import read_request_id

F = TypeVar("F", bound=Callable[..., object])
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_DEPS = "fanfare"
PUBLIC = "public"


def authorized(*scopes: Scope) -> Callable[[F], F]:
    """Let only clients call a route that have one of these scopes."""

    def mark(route: F) -> F:
        route.access = scopes  # type: ignore[attr-defined]
        return route

    return mark


def public(route: F) -> F:
    """Let anybody call a route."""
    route.access = PUBLIC  # type: ignore[attr-defined]
    return route


def install(app: Flask, deps: Deps) -> None:
    """Put the gate before every route of an app."""
    app.extensions[_DEPS] = deps
    app.before_request(_identify)
    app.before_request(_limit)
    app.before_request(_authenticate)
    app.before_request(_parse)
    app.after_request(_finish)


def deps() -> Deps:
    """The dependencies of the running app."""
    found: Deps = current_app.extensions[_DEPS]
    return found


def caller() -> Client:
    """The client that calls."""
    client: Client = g.client
    return client


def call() -> Call:
    """How this request came in; InvalidRequest if its Idempotency-Key has no usable form."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and _IDEMPOTENCY_KEY.match(key) is None:
        raise InvalidRequest.at("Idempotency-Key", "must have 1 to 255 visible ASCII characters")
    return Call(caller(), g.request_id, key)


def _identify() -> None:
    g.request_id = read_request_id(request.headers.get("X-Request-ID", ""), deps())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _limit() -> Response | None:
    limit = body_limit(request.path)
    if _body_length() > limit:
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"The body has more than {limit} bytes.")
    return None


def _body_length() -> int:
    """The body's length in bytes; `main` has buffered and measured it, also one that came in chunks, of which Werkzeug knows no length."""
    return int(request.environ.get("CONTENT_LENGTH") or 0)


def _authenticate() -> None:
    route = current_app.view_functions.get(request.endpoint or "")
    access = getattr(route, "access", ())
    if route is None or access == PUBLIC:
        return
    g.client = authenticate_client(deps(), request.headers.get("Client-ID", ""), request.headers.get("Client-Token", ""))
    check_scope(g.client, access)


def _parse() -> Response | None:
    if request.method not in {"POST", "PUT"} or request.endpoint is None or not _body_length():
        return None
    if not request.is_json:
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be application/json.")
    check_json(request)
    return None


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
