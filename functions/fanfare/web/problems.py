"""Errors as RFC 9457 problem documents: the one place that knows which refusal has which status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from flask import Response, g, jsonify

from fanfare.domain.errors import (
    Conflict,
    DuplicateRecipient,
    FanfareError,
    FieldError,
    Forbidden,
    IdempotencyInProgress,
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    RateLimited,
    SegmentBroken,
    TemplateBroken,
    TemplateInactive,
    TooManyWebhooks,
    Unauthenticated,
    Unavailable,
    WebhookInactive,
)

CONTENT_TYPE = "application/problem+json"
STATUS: Mapping[type[FanfareError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    DuplicateRecipient: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TemplateInactive: HTTPStatus.CONFLICT,
    TemplateBroken: HTTPStatus.CONFLICT,
    SegmentBroken: HTTPStatus.CONFLICT,
    WebhookInactive: HTTPStatus.CONFLICT,
    TooManyWebhooks: HTTPStatus.CONFLICT,
    IdempotencyMismatch: HTTPStatus.CONFLICT,
    IdempotencyInProgress: HTTPStatus.CONFLICT,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
HTTP_CODES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "malformed_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.MISDIRECTED_REQUEST: "misdirected_request",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}
"""Codes of what HTTP itself refuses, before any of our errors can be raised."""


def problem_of(error: FanfareError) -> Response:
    """Answer a refusal; a wait is said in `Retry-After`, a missing credential in `WWW-Authenticate`."""
    fields = error.errors if isinstance(error, InvalidRequest | Unauthenticated) else ()
    response = problem(STATUS[type(error)], error.code, error.detail, fields)
    wait = getattr(error, "retry_after_seconds", None)
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Client-Token realm="fanfare"'
    return response


def problem(status: HTTPStatus, code: str, detail: str, errors: Sequence[FieldError] = ()) -> Response:
    """Build a problem document."""
    body: dict[str, Any] = {
        "type": f"https://fanfare.dev/errors/{code}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
        "errors": [asdict(error) for error in errors],
        "request_id": g.get("request_id", ""),
    }
    response = jsonify(body)
    response.status_code = status
    response.content_type = CONTENT_TYPE
    return response
