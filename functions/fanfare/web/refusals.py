"""What the public functions answer where a request comes to nothing: our own errors, Werkzeug's, and those that nobody foresaw."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from fanfare.domain.errors import FanfareError
from fanfare.web import gate
from fanfare.web.methods import methods_of
from fanfare.web.problems import HTTP_CODES, problem, problem_of


def handle_errors(app: Flask) -> None:
    """Answer every error of an app as a problem document."""
    app.register_error_handler(FanfareError, problem_of)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _fail)


def _refuse_http(error: HTTPException) -> Response:
    """Answer what Werkzeug refuses."""
    status = HTTPStatus(error.code or 500)
    response = problem(status, HTTP_CODES.get(status, "malformed_request"), error.description or status.phrase)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(methods_of(request.path))
    return response


def _fail(error: Exception) -> Response:
    """Answer what nobody foresaw: logged by its type and place, never shown, and never with its text, which may hold a body."""
    gate.deps().log.error("internal_error", error=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side; the request id helps to find it.")
