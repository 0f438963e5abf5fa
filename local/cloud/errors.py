"""Google's JSON error shape: ``{"error": {"code", "message", "status"}}``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class ApiError(Exception):
    """An answer in Google's error shape; ``status`` is derived from the HTTP code unless given."""

    def __init__(self, code: int, message: str, status: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _STATUS_NAMES.get(code, "UNKNOWN")

    def answer(self) -> web.Response:
        """Return the error as an HTTP response."""
        return web.json_response({"error": {"code": self.code, "message": self.message, "status": self.status}}, status=self.code)


def invalid_argument(message: str) -> ApiError:
    """Return 400 INVALID_ARGUMENT."""
    return ApiError(400, message)


def failed_precondition(message: str) -> ApiError:
    """Return 400 FAILED_PRECONDITION: the request is right, the resource's state forbids it."""
    return ApiError(400, message, "FAILED_PRECONDITION")


def not_found(message: str = "Requested entity was not found.") -> ApiError:
    """Return 404 NOT_FOUND."""
    return ApiError(404, message)


def already_exists(message: str = "Requested entity already exists") -> ApiError:
    """Return 409 ALREADY_EXISTS."""
    return ApiError(409, message)


@web.middleware
async def answer_errors(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Turn our errors and aiohttp's own (unknown route, wrong method) into Google's shape."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.answer()
    except web.HTTPException as error:
        return ApiError(error.status, HTTPStatus(error.status).phrase).answer()
