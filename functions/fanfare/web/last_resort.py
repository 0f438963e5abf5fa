"""The answer where no surface could give one: it can't be built, or the request broke off before it arrived there."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from fanfare.web.problems import problem
from fanfare.web.security_headers import add_security_headers


def build_last_resort() -> Response:
    """Answer 500 in our own words: nothing of the error is shown."""
    response = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side.")
    add_security_headers(request, response)
    return response
