"""The public surface: `/api/v1`, its OpenAPI document and the page that shows it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Flask, Response
from flask_openapi import APIBlueprint, Info, OpenAPI
from werkzeug.exceptions import HTTPException

from fanfare.domain.errors import FanfareError
from fanfare.ports import Deps
from fanfare.web import apps, dead_letters, devices, docs, gate, health, notifications, notify, profiles
from fanfare.web.bodies import StrictJson
from fanfare.web.problems import HTTP_CODES, problem, problem_of
from fanfare.web.schema import Problem, refuse

PREFIX = "/api/v1"
VERSION = "1.0.0"
_RESOURCES = (devices, profiles, notify, notifications, dead_letters, apps, health)
_SECURITY_SCHEMES: dict[str, Any] = {
    "ClientId": {"type": "apiKey", "in": "header", "name": "Client-ID"},
    "ClientToken": {"type": "apiKey", "in": "header", "name": "Client-Token"},
}


def build_api(deps: Deps) -> Flask:
    """Build the app of the `api` function."""
    app = OpenAPI(
        "fanfare",
        info=Info(title="Fanfare", version=VERSION, description="Push notifications on Firebase Cloud Messaging."),
        security_schemes=_SECURITY_SCHEMES,
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=refuse,
        doc_ui=False,
        static_folder=None,
    )
    app.openapi_version = "3.1.1"
    app.json = StrictJson(app)
    app.register_api(_v1())
    docs.add_routes(app, PREFIX)
    gate.install(app, deps)
    _handle_errors(app)
    return app


def _v1() -> APIBlueprint:
    v1 = APIBlueprint("api", __name__, url_prefix=PREFIX)
    for resource in _RESOURCES:
        v1.register_api(resource.blueprint)
    return v1


def _handle_errors(app: Flask) -> None:
    app.register_error_handler(FanfareError, problem_of)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _fail)


def _refuse_http(error: HTTPException) -> Response:
    """Answer what Werkzeug refuses; a validation error arrives here with our own response in it."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    status = HTTPStatus(error.code or 500)
    response = problem(status, HTTP_CODES.get(status, "malformed_request"), error.description or status.phrase)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return response


def _fail(error: Exception) -> Response:
    """Answer what nobody foresaw: logged by its type and place, never shown, and never with its text, which may hold a body."""
    gate.deps().log.error("internal_error", error=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side; the request id helps to find it.")
